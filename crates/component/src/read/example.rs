//! Makes up calls of functions, in WAVE: <https://github.com/bytecodealliance/wasm-tools/tree/main/crates/wasm-wave>.

use wasmparser::{
    PrimitiveValType,
    component_types::{
        ComponentDefinedType, ComponentDefinedTypeId, ComponentFuncType, ComponentValType,
    },
    types::Types,
};

/// The longest call that is made up. A type can be small and its values large.
const MAX_BYTES: usize = 1000;

/// A call of the function `name`, with a value of the right type for each parameter. None if one
/// has no text that stands for it, as handles and streams do not, or if it would be very long.
pub(super) fn example(types: &Types, name: &str, function: &ComponentFuncType) -> Option<String> {
    // A resource's functions need a handle to it, except those called without one, whose result
    // would be a handle that cannot be used.
    if name.starts_with('[') {
        return None;
    }
    let mut example = Example { types, text: format!("{name}(") };
    example.list(function.params.iter().map(|(_, ty)| ty))?;
    example.text.push(')');
    // The type of the result has to be shown in the end, too.
    if let Some(result) = &function.result {
        Example { types, text: String::new() }.value(result)?;
    }
    Some(example.text)
}

struct Example<'a> {
    types: &'a Types,
    text: String,
}

impl Example<'_> {
    fn write(&mut self, text: &str) -> Option<()> {
        self.text.push_str(text);
        (self.text.len() <= MAX_BYTES).then_some(())
    }

    fn list<'t>(&mut self, types: impl IntoIterator<Item = &'t ComponentValType>) -> Option<()> {
        for (index, ty) in types.into_iter().enumerate() {
            if index > 0 {
                self.write(", ")?;
            }
            self.value(ty)?;
        }
        Some(())
    }

    fn value(&mut self, ty: &ComponentValType) -> Option<()> {
        match ty {
            ComponentValType::Primitive(primitive) => self.primitive(*primitive),
            ComponentValType::Type(id) => self.defined(*id),
        }
    }

    fn primitive(&mut self, ty: PrimitiveValType) -> Option<()> {
        self.write(match ty {
            PrimitiveValType::Bool => "true",
            PrimitiveValType::F32 | PrimitiveValType::F64 => "1.5",
            PrimitiveValType::Char => "'a'",
            PrimitiveValType::String => "\"text\"",
            PrimitiveValType::ErrorContext => return None,
            _ => "1",
        })
    }

    /// Ends early: the validator refuses types nested more than 100 deep.
    fn defined(&mut self, id: ComponentDefinedTypeId) -> Option<()> {
        // The types outlive this borrow of the text.
        let types = self.types;
        match &types[id] {
            ComponentDefinedType::Primitive(primitive) => self.primitive(*primitive),
            ComponentDefinedType::Record(record) => {
                self.write("{")?;
                for (index, (name, ty)) in record.fields.iter().enumerate() {
                    self.write(if index > 0 { ", " } else { "" })?;
                    self.write(&format!("{}: ", label(name)))?;
                    self.value(ty)?;
                }
                self.write("}")
            }
            ComponentDefinedType::Variant(variant) => {
                let (name, case) = variant.cases.iter().next()?;
                self.wrapped(&label(name), case.ty.as_ref())
            }
            ComponentDefinedType::Enum(cases) => self.write(&label(cases.iter().next()?)),
            ComponentDefinedType::Flags(flags) => {
                // Flags have no mark for names that are WAVE's own words.
                let first = flags.iter().find(|flag| label(flag) == flag.as_str());
                self.write(&format!("{{{}}}", first.map_or("", |flag| flag.as_str())))
            }
            ComponentDefinedType::List { element, .. } => self.enclosed("[", [element], "]"),
            ComponentDefinedType::Tuple(tuple) => self.enclosed("(", &tuple.types, ")"),
            ComponentDefinedType::Option { ty, .. } => self.wrapped("some", Some(ty)),
            ComponentDefinedType::Result { ok, .. } => self.wrapped("ok", ok.as_ref()),
            ComponentDefinedType::Own(_)
            | ComponentDefinedType::Borrow(_)
            | ComponentDefinedType::Future { .. }
            | ComponentDefinedType::Stream { .. }
            // The engine's reader of texts does not know these.
            | ComponentDefinedType::FixedLengthList { .. }
            | ComponentDefinedType::Map { .. } => None,
        }
    }

    fn enclosed<'t>(
        &mut self,
        open: &str,
        types: impl IntoIterator<Item = &'t ComponentValType>,
        close: &str,
    ) -> Option<()> {
        self.write(open)?;
        self.list(types)?;
        self.write(close)
    }

    fn wrapped(&mut self, name: &str, payload: Option<&ComponentValType>) -> Option<()> {
        self.write(name)?;
        match payload {
            Some(ty) => self.enclosed("(", [ty], ")"),
            None => Some(()),
        }
    }
}

/// A name as WAVE writes it: its own words are marked.
fn label(name: &str) -> String {
    const WORDS: &[&str] = &["true", "false", "some", "none", "ok", "err", "inf", "nan"];
    if WORDS.contains(&name) { format!("%{name}") } else { name.to_owned() }
}
