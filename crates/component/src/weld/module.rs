//! A core module, read.

use std::collections::HashMap;

use wasmparser::{
    BinaryReader, CompositeInnerType, Data, ElementKind, ElementSectionReader, ExternalKind,
    FuncType, FunctionBody, GlobalSectionReader, KnownCustom, MemoryType, Name, Operator, Parser,
    Payload, TableSectionReader, TypeRef, TypeSectionReader,
};

use super::{Fit, Unfit};

/// A core module, read.
#[derive(Default)]
pub(super) struct Module<'a> {
    pub(super) types: Option<TypeSectionReader<'a>>,
    /// How many types these are: a section counts groups of them.
    pub(super) type_count: u32,
    /// By kind: functions, tables, memories and globals.
    pub(super) imports: [Vec<Import<'a>>; 4],
    /// The types of the functions that it defines.
    pub(super) functions: Vec<u32>,
    pub(super) tables: Option<TableSectionReader<'a>>,
    pub(super) memories: Vec<MemoryType>,
    pub(super) globals: Option<GlobalSectionReader<'a>>,
    pub(super) exports: HashMap<&'a str, (Kind, u32)>,
    pub(super) start: Option<u32>,
    pub(super) elements: Option<ElementSectionReader<'a>>,
    pub(super) data: Vec<Data<'a>>,
    pub(super) bodies: Vec<FunctionBody<'a>>,
    pub(super) name: Option<&'a str>,
    pub(super) function_names: Vec<(u32, &'a str)>,
}

/// What a module can have of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Function,
    Table,
    Memory,
    Global,
}

impl TryFrom<ExternalKind> for Kind {
    type Error = Unfit;

    fn try_from(kind: ExternalKind) -> Fit<Self> {
        match kind {
            ExternalKind::Func | ExternalKind::FuncExact => Ok(Self::Function),
            ExternalKind::Table => Ok(Self::Table),
            ExternalKind::Memory => Ok(Self::Memory),
            ExternalKind::Global => Ok(Self::Global),
            ExternalKind::Tag => Err(Unfit("its modules share tags")),
        }
    }
}

/// An import of a module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Import<'a> {
    pub(super) from: &'a str,
    pub(super) name: &'a str,
    /// The function's type, where it is one.
    pub(super) ty: u32,
}

impl<'a> Module<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Fit<Self> {
        let mut module = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::TypeSection(types) => module.types = Some(types),
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        module.import(import?)?;
                    }
                }
                Payload::FunctionSection(functions) => {
                    module.functions = functions.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::TableSection(tables) => module.tables = Some(tables),
                Payload::MemorySection(memories) => {
                    module.memories = memories.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::GlobalSection(globals) => module.globals = Some(globals),
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        let item = (export.kind.try_into()?, export.index);
                        module.exports.insert(export.name, item);
                    }
                }
                Payload::StartSection { func, .. } => module.start = Some(func),
                Payload::ElementSection(elements) => module.elements = Some(elements),
                Payload::DataSection(data) => {
                    module.data = data.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::CodeSectionEntry(body) => module.bodies.push(body),
                Payload::TagSection(_) => return Err(Unfit("it has tags")),
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        // Broken names are none.
                        let _ = module.names(names);
                    }
                }
                _ => {}
            }
        }
        for group in module.types.iter().flat_map(Clone::clone) {
            let count = u32::try_from(group?.types().len());
            let count = count.ok().and_then(|count| module.type_count.checked_add(count));
            module.type_count = count.ok_or(Unfit("it has too many types"))?;
        }
        Ok(module)
    }

    fn import(&mut self, import: wasmparser::Import<'a>) -> Fit<()> {
        let (kind, ty) = match import.ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => (Kind::Function, ty),
            TypeRef::Table(_) => (Kind::Table, 0),
            TypeRef::Memory(_) => (Kind::Memory, 0),
            TypeRef::Global(_) => (Kind::Global, 0),
            TypeRef::Tag(_) => return Err(Unfit("its modules share tags")),
        };
        self.imports[kind as usize].push(Import { from: import.module, name: import.name, ty });
        Ok(())
    }

    fn names(&mut self, names: wasmparser::NameSectionReader<'a>) -> Fit<()> {
        for name in names {
            match name? {
                Name::Module { name, .. } => self.name = Some(name),
                Name::Function(functions) => {
                    for naming in functions {
                        let naming = naming?;
                        self.function_names.push((naming.index, naming.name));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn imported(&self, kind: Kind) -> &[Import<'a>] {
        &self.imports[kind as usize]
    }

    /// How many functions it imports.
    pub(super) fn imported_functions(&self) -> u32 {
        count(self.imported(Kind::Function))
    }

    /// The index of a function's type among the module's.
    pub(super) fn type_of(&self, function: u32) -> Fit<u32> {
        let (imports, index) = (self.imported(Kind::Function), function as usize);
        let defined = || self.functions.get(index - imports.len()).copied();
        let ty = imports.get(index).map(|import| import.ty);
        if index < imports.len() { ty } else { defined() }.ok_or(Unfit("it has no such function"))
    }

    /// A function's type.
    pub(super) fn function_type(&self, function: u32) -> Fit<FuncType> {
        let index = self.type_of(function)? as usize;
        let mut left = index;
        for group in self.types.iter().flat_map(Clone::clone) {
            let group = group?;
            if let Some(ty) = group.types().nth(left) {
                // Elsewhere it is written down anew, which makes a type the same only if it is plain.
                let is_plain =
                    ty.is_final && ty.supertype_idx.is_none() && group.types().len() == 1;
                return match &ty.composite_type.inner {
                    CompositeInnerType::Func(ty) if is_plain => Ok(ty.clone()),
                    _ => Err(Unfit("a function's type is of another kind")),
                };
            }
            left -= group.types().len();
        }
        Err(Unfit("it has no such type"))
    }

    /// Whether it fills in tables when it is instantiated.
    pub(super) fn fills_tables(&self) -> Fit<bool> {
        for element in self.elements.iter().flat_map(Clone::clone) {
            if matches!(element?.kind, ElementKind::Active { .. }) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The number that a constant expression is, if it is one of 32 bits.
pub(super) fn constant(expression: &wasmparser::ConstExpr<'_>) -> Option<u32> {
    let mut operators = expression.get_operators_reader().into_iter();
    let Some(Ok(Operator::I32Const { value })) = operators.next() else { return None };
    let ends = matches!(operators.next(), Some(Ok(Operator::End))) && operators.next().is_none();
    ends.then_some(value.cast_unsigned())
}

/// How many there are. A module has fewer than 2³² of anything.
pub(super) fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// A reader of one section's contents.
pub(super) fn reader(data: &[u8]) -> BinaryReader<'_> {
    BinaryReader::new(data, 0)
}
