//! A core module, read.

use std::collections::HashMap;

use wasmparser::{
    BinaryReader, CompositeInnerType, Data, ElementKind, ElementSectionReader, ExternalKind,
    FuncType, FunctionBody, GlobalSectionReader, KnownCustom, MemoryType, Name, Operator, Parser,
    Payload, SectionLimited, SubType, TableInit, TableSectionReader, TypeRef, TypeSectionReader,
    ValType,
};

use super::{Fit, Unfit};

/// A core module, read.
#[derive(Default)]
pub(super) struct Module<'a> {
    pub(super) types: Option<TypeSectionReader<'a>>,
    /// The same, those of functions that take and return numbers.
    signatures: Vec<Option<FuncType>>,
    /// Whether one of them is of structures or arrays.
    pub(super) has_objects: bool,
    pub(super) imports: Vec<Import<'a>>,
    /// The types of the functions that it imports.
    pub(super) imported_functions: Vec<u32>,
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
    pub(super) kind: Kind,
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
            let group = group?;
            // Where a type is written again, it is the same if it is plain and by itself.
            let is_alone = group.types().len() == 1;
            let is_function =
                |ty: &SubType| matches!(ty.composite_type.inner, CompositeInnerType::Func(_));
            module.has_objects |= !group.types().all(is_function);
            let signatures = group.types().map(|ty| signature(ty).filter(|_| is_alone));
            module.signatures.extend(signatures);
        }
        for table in module.tables.iter().flat_map(Clone::clone) {
            module.table(&table?)?;
        }
        Ok(module)
    }

    fn table(&self, table: &wasmparser::Table<'_>) -> Fit<()> {
        if table.ty.table64 {
            return Err(Unfit("it has tables of another kind"));
        }
        if let TableInit::Expr(init) = &table.init {
            for operator in init.get_operators_reader() {
                // Of another module's, it would come after the table.
                if let Operator::GlobalGet { .. } = operator? {
                    return Err(Unfit("it has tables that begin with the value of a global"));
                }
            }
        }
        Ok(())
    }

    fn import(&mut self, import: wasmparser::Import<'a>) -> Fit<()> {
        let kind = match import.ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                self.imported_functions.push(ty);
                Kind::Function
            }
            TypeRef::Table(table) if !table.table64 => Kind::Table,
            TypeRef::Table(_) => return Err(Unfit("it has tables of another kind")),
            TypeRef::Memory(_) => Kind::Memory,
            TypeRef::Global(_) => Kind::Global,
            TypeRef::Tag(_) => return Err(Unfit("its modules share tags")),
        };
        self.imports.push(Import { from: import.module, name: import.name, kind });
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

    /// How many items of this kind it defines.
    pub(super) fn defined(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Function => count(&self.functions),
            Kind::Table => self.tables.as_ref().map_or(0, SectionLimited::count),
            Kind::Memory => count(&self.memories),
            Kind::Global => self.globals.as_ref().map_or(0, SectionLimited::count),
        }
    }

    /// How many types it has. A section counts groups of them.
    pub(super) fn type_count(&self) -> u32 {
        count(&self.signatures)
    }

    /// How many elements it has.
    pub(super) fn element_count(&self) -> u32 {
        self.elements.as_ref().map_or(0, SectionLimited::count)
    }

    /// What a function takes and returns, if that is numbers alone.
    pub(super) fn signature(&self, function: u32) -> Fit<&FuncType> {
        let ty = match self.imported_functions.get(function as usize) {
            Some(ty) => Some(ty),
            None => self.functions.get(function as usize - self.imported_functions.len()),
        };
        let signature = ty.and_then(|ty| self.signatures.get(*ty as usize)?.as_ref());
        signature.ok_or(Unfit("a function takes or returns what is no number"))
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

/// What a function of this type takes and returns, if it is one, and plain.
fn signature(ty: &SubType) -> Option<FuncType> {
    let CompositeInnerType::Func(function) = &ty.composite_type.inner else { return None };
    let is_number = |ty: &ValType| !matches!(ty, ValType::V128 | ValType::Ref(_));
    let is_plain = ty.is_final
        && ty.supertype_idx.is_none()
        && function.params().iter().chain(function.results()).all(is_number);
    is_plain.then(|| function.clone())
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
