//! How a function says by its own error that it is denied, whatever interface it is of.

use wasmtime::component::{
    ResourceAny, Type, Val,
    types::{ComponentFunc, Variant},
};

/// Names that errors have for what is denied, or else for what comes near to it; the first that there
/// is says it best. Those without an error for that have one for what failed elsewhere.
const CASES: [&str; 23] = [
    "access-denied",
    "denied",
    "permission-denied",
    "not-permitted",
    "not-authorized",
    "unauthorized",
    "forbidden",
    "HTTP-request-denied",
    "destination-not-allowed",
    "access",
    "connection-failed",
    "model-not-supported",
    "invalid-address",
    "runtime-error",
    "internal-error",
    "provider",
    "upstream",
    "other",
    "other-error",
    "unexpected",
    "io",
    "unknown",
    "error",
];

/// The result by which a function refuses: the error that fits best, with `says` where it takes a
/// text. None if it returns no error, or one that could only say something else; or if it is given
/// streams, whose other ends would wait for it.
pub(super) fn of(ty: &ComponentFunc, says: &str) -> Option<Val> {
    let mut results = ty.results();
    let (Some(Type::Result(result)), None) = (results.next(), results.next()) else { return None };
    if ty.params().any(|(_, ty)| matches!(ty, Type::Stream(_) | Type::Future(_))) {
        return None;
    }
    // Handles are dropped by the caller's store, which a concurrent call has only in part.
    if ty.async_() && ty.params().any(|(_, ty)| has_handles(&ty)) {
        return None;
    }
    let error = match result.err()? {
        Type::String => Val::String(says.to_owned()),
        Type::Enum(ty) => {
            let case = CASES.iter().find(|case| ty.names().any(|name| name == **case))?;
            Val::Enum((*case).to_owned())
        }
        Type::Variant(ty) => CASES.iter().find_map(|case| variant(&ty, case, says))?,
        _ => return None,
    };
    Some(Val::Result(Err(Some(Box::new(error)))))
}

/// The case of this name, if there is one with no more than a text.
fn variant(ty: &Variant, name: &str, says: &str) -> Option<Val> {
    let case = ty.cases().find(|case| case.name == name)?;
    let payload = match case.ty {
        None => None,
        Some(Type::String) => Some(Val::String(says.to_owned())),
        Some(Type::Option(ty)) if matches!(ty.ty(), Type::String) => {
            Some(Val::Option(Some(Box::new(Val::String(says.to_owned())))))
        }
        Some(Type::Option(_)) => Some(Val::Option(None)),
        Some(_) => return None,
    };
    Some(Val::Variant(name.to_owned(), payload.map(Box::new)))
}

/// Whether a value of this type may hold handles, or nobody knows.
fn has_handles(ty: &Type) -> bool {
    match ty {
        Type::Bool
        | Type::S8
        | Type::U8
        | Type::S16
        | Type::U16
        | Type::S32
        | Type::U32
        | Type::S64
        | Type::U64
        | Type::Float32
        | Type::Float64
        | Type::Char
        | Type::String
        | Type::Enum(_)
        | Type::Flags(_) => false,
        Type::List(ty) => has_handles(&ty.ty()),
        Type::Option(ty) => has_handles(&ty.ty()),
        Type::Tuple(ty) => ty.types().any(|ty| has_handles(&ty)),
        Type::Record(ty) => ty.fields().any(|field| has_handles(&field.ty)),
        Type::Variant(ty) => ty.cases().filter_map(|case| case.ty).any(|ty| has_handles(&ty)),
        Type::Result(ty) => ty.ok().into_iter().chain(ty.err()).any(|ty| has_handles(&ty)),
        _ => true,
    }
}

/// Gathers the handles in a value: those that are lent are to be given back before a call returns.
pub(super) fn handles(value: &Val, found: &mut Vec<ResourceAny>) {
    match value {
        Val::Resource(handle) => found.push(*handle),
        Val::List(values) | Val::Tuple(values) => {
            values.iter().for_each(|value| handles(value, found));
        }
        Val::Record(fields) => fields.iter().for_each(|(_, value)| handles(value, found)),
        Val::Variant(_, Some(value))
        | Val::Option(Some(value))
        | Val::Result(Ok(Some(value)) | Err(Some(value))) => handles(value, found),
        _ => {}
    }
}
