//! Values between text, JSON and the engine.

use serde_json::{Map, Value as Json};
use wasmtime::component::{
    Type, Val,
    wasm_wave::{self, parser::ParserError, untyped::UntypedFuncCall},
};

use super::CallTextError;

/// The text of a call, taken apart.
pub(super) struct Parsed(UntypedFuncCall<'static>);

pub(super) fn parse(text: &str) -> Result<Parsed, CallTextError> {
    let call = UntypedFuncCall::parse(text).map_err(|error| wrong(text, &error))?;
    Ok(Parsed(call.into_owned()))
}

impl Parsed {
    pub(super) fn source(&self) -> &str {
        self.0.source()
    }

    pub(super) fn name(&self) -> &str {
        self.0.name()
    }

    /// The values, if they are of these types. Trailing ones that may be `none` can be left out.
    pub(super) fn values(&self, types: &[Type]) -> Result<Vec<Val>, CallTextError> {
        self.0.to_wasm_params(types).map_err(|error| wrong(self.source(), &error))
    }
}

/// An error with its place, which its own text has as a range of bytes.
fn wrong(text: &str, error: &ParserError) -> CallTextError {
    let whole = error.to_string();
    let span = error.span();
    let message = whole.strip_suffix(&format!(" at {span:?}")).unwrap_or(&whole).to_owned();
    // A span lies between characters of the text; anything else would be shown at its end.
    let fits = text.get(span.clone()).is_some();
    CallTextError { message, span: if fits { span } else { text.len()..text.len() } }
}

/// Whether all values of the type can be written as text. The reader of texts takes it for granted.
pub(super) fn is_writable(ty: &Type) -> bool {
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
        | Type::Flags(_) => true,
        Type::List(list) => is_writable(&list.ty()),
        Type::Record(record) => record.fields().all(|field| is_writable(&field.ty)),
        Type::Tuple(tuple) => tuple.types().all(|ty| is_writable(&ty)),
        Type::Variant(variant) => {
            variant.cases().all(|case| case.ty.as_ref().is_none_or(is_writable))
        }
        Type::Option(option) => is_writable(&option.ty()),
        Type::Result(result) => [result.ok(), result.err()].iter().flatten().all(is_writable),
        Type::Own(_)
        | Type::Borrow(_)
        | Type::Future(_)
        | Type::Stream(_)
        | Type::ErrorContext
        | Type::Map(_)
        | Type::FixedLengthList(_) => false,
    }
}

/// What a function returned.
#[derive(Debug, Clone, PartialEq)]
pub struct Value(pub(super) Val);

impl Value {
    /// The value in WAVE.
    pub fn to_wave(&self) -> String {
        // Only functions are called whose values can all be written.
        wasm_wave::to_string(&self.0).unwrap_or_else(|error| format!("({error})"))
    }

    /// The value in JSON. A record is an object, flags are a list of names, and a variant is its
    /// name, or an object with that as its only key; likewise `ok` and `err`. `none` is `null`. A
    /// number that JSON does not have is a string: `"nan"`, `"inf"`, `"-inf"`.
    pub fn to_json(&self) -> Json {
        json(&self.0)
    }
}

fn json(value: &Val) -> Json {
    match value {
        Val::Bool(value) => Json::from(*value),
        Val::S8(value) => Json::from(*value),
        Val::U8(value) => Json::from(*value),
        Val::S16(value) => Json::from(*value),
        Val::U16(value) => Json::from(*value),
        Val::S32(value) => Json::from(*value),
        Val::U32(value) => Json::from(*value),
        Val::S64(value) => Json::from(*value),
        Val::U64(value) => Json::from(*value),
        // The shortest text for the number, which `f64::from` would not give.
        Val::Float32(value) => float(f64::from(*value), || value.to_string().parse().ok()),
        Val::Float64(value) => float(*value, || Some(*value)),
        Val::Char(value) => Json::from(value.to_string()),
        Val::String(value) | Val::Enum(value) => Json::from(value.as_str()),
        Val::List(values) | Val::Tuple(values) | Val::FixedLengthList(values) => {
            values.iter().map(json).collect()
        }
        Val::Record(fields) => object(fields.iter().map(|(name, value)| (name.as_str(), value))),
        Val::Flags(names) => names.iter().map(String::as_str).collect(),
        Val::Variant(name, None) => Json::from(name.as_str()),
        Val::Variant(name, Some(payload)) => object([(name.as_str(), &**payload)]),
        Val::Option(None) => Json::Null,
        // `some(none)` and `none` have to differ.
        Val::Option(Some(value)) if matches!(**value, Val::Option(_)) => {
            object([("some", &**value)])
        }
        Val::Option(Some(value)) => json(value),
        Val::Result(Ok(payload)) => wrapped("ok", payload.as_deref()),
        Val::Result(Err(payload)) => wrapped("err", payload.as_deref()),
        // These are not called for; see `is_writable`.
        Val::Map(_) | Val::Resource(_) | Val::Future(_) | Val::Stream(_) | Val::ErrorContext(_) => {
            Json::Null
        }
    }
}

fn object<'a>(fields: impl IntoIterator<Item = (&'a str, &'a Val)>) -> Json {
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), json(value)));
    Json::Object(fields.collect())
}

fn wrapped(name: &str, payload: Option<&Val>) -> Json {
    let payload = payload.map_or(Json::Null, json);
    Json::Object(Map::from_iter([(name.to_owned(), payload)]))
}

fn float(value: f64, finite: impl FnOnce() -> Option<f64>) -> Json {
    match value {
        _ if value.is_nan() => Json::from("nan"),
        f64::INFINITY => Json::from("inf"),
        f64::NEG_INFINITY => Json::from("-inf"),
        _ => Json::from(finite().unwrap_or(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_one_form_in_json() {
        let text = |text: &str| Val::String(text.to_owned());
        let some = |value: Val| Val::Option(Some(Box::new(value)));
        let cases = [
            (Val::U64(u64::MAX), "18446744073709551615"),
            (Val::S64(i64::MIN), "-9223372036854775808"),
            (Val::Float32(0.1), "0.1"),
            (Val::Float64(-0.0), "-0.0"),
            (Val::Float64(f64::NAN), "\"nan\""),
            (Val::Float32(f32::NEG_INFINITY), "\"-inf\""),
            (Val::Char('ö'), "\"ö\""),
            (Val::Record(vec![("a-b".to_owned(), Val::Bool(true))]), "{\"a-b\":true}"),
            (Val::Variant("none".to_owned(), None), "\"none\""),
            (Val::Variant("at".to_owned(), Some(Box::new(text("x")))), "{\"at\":\"x\"}"),
            (Val::Option(None), "null"),
            (some(Val::Option(None)), "{\"some\":null}"),
            (some(some(Val::U8(1))), "{\"some\":1}"),
            (Val::Result(Ok(None)), "{\"ok\":null}"),
            (Val::Result(Err(Some(Box::new(text("no"))))), "{\"err\":\"no\"}"),
            (Val::Flags(vec!["read".to_owned()]), "[\"read\"]"),
            (Val::Tuple(vec![Val::U8(1), text("é")]), "[1,\"é\"]"),
        ];
        for (value, expected) in cases {
            assert_eq!(Value(value).to_json().to_string(), expected);
        }
    }

    #[test]
    fn a_call_that_cannot_be_read_says_where() {
        let wrong = |text: &str| parse(text).err().expect("it is wrong").span;
        assert_eq!(wrong("f(1"), 3..3);
        assert_eq!(wrong("f(1) 2"), 5..6);
        assert_eq!(wrong("f(\"ö\", ?)"), 8..9);
        for text in ["", "f", "f(", "(1)", "f(1))", "f[1]", "ö(1)"] {
            wrong(text);
        }
        assert_eq!(
            parse("a:b/c.d@1.2.3(1)").map_err(drop).map(|c| c.name().to_owned()),
            Ok("a:b/c.d@1.2.3".to_owned())
        );
    }
}
