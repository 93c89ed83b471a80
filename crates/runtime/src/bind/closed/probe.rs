//! A component that imports interfaces and exports each of their functions again, as `call-0`,
//! `call-1` and so on, so that a host can call whatever a component could.
//!
//! An export has the types of the import, resources included. The core module passes flat values on
//! unchanged; it only adds room for results, and drops what was borrowed.

use std::{collections::HashMap, fmt::Write};

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{
    Docs, Function, FunctionKind, Handle, IndexMap, Interface, InterfaceId, Resolve, Result_, Span,
    Stability, Tuple, Type, TypeDefKind, TypeId, TypeOwner, UnresolvedPackageGroup, WorldId,
    WorldItem, WorldKey,
    abi::{AbiVariant, FlatTypes, WasmSignature, WasmType},
};

/// What only components export.
const ENTRY_POINTS: [&str; 3] = ["run", "incoming-handler", "handler"];

/// The component, and what its exports call: `wasi:cli/environment@0.2.0#get-environment`.
pub(super) struct Probe {
    pub(super) bytes: Vec<u8>,
    pub(super) calls: Vec<String>,
}

/// A probe of all interfaces in these texts, each a package.
pub(super) fn build(packages: &[String]) -> Probe {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let names: Vec<_> = packages.iter().flat_map(|text| interface_names(text)).collect();
    let imports: String = names.iter().map(|name| format!("import {name};\n")).collect();
    let main = format!("package test:closed;\nworld probe {{\n{imports}}}");
    let group = |text: &str| {
        UnresolvedPackageGroup::parse("probe.wit", text)
            .unwrap_or_else(|(_, error)| panic!("WIT is parsed: {error}"))
    };
    let packages = packages.iter().map(|text| group(text)).collect();
    let package = resolve.push_groups(group(&main), packages).expect("WIT is resolved");
    let world = resolve.select_world(&[package], None).expect("there is one world");

    let imported: Vec<InterfaceId> = resolve.worlds[world]
        .imports
        .values()
        .filter_map(|item| match item {
            WorldItem::Interface { id, .. } => Some(*id),
            _ => None,
        })
        .collect();
    let mut text = Module::default();
    let mut calls = Vec::new();
    let mut exports = Calls::new(&mut resolve, world);
    for id in imported {
        let name = resolve.id_of(id).expect("an interface of a package has a name");
        for function in resolve.interfaces[id].functions.clone().values() {
            let export = exports.add(&mut resolve, function, calls.len());
            text.pass_on(&resolve, &name, function, &export);
            calls.push(format!("{name}#{}", function.name));
        }
    }
    let mut module = wat::parse_str(text.finish()).expect("the module is well-formed");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("the module takes its types");
    let bytes = ComponentEncoder::default()
        .validate(false)
        .module(&module)
        .and_then(ComponentEncoder::encode)
        .unwrap_or_else(|error| panic!("the probe is encoded: {error:#}"));
    Probe { bytes, calls }
}

/// The exported interface `calls`, which uses the types of those that it passes on to.
struct Calls {
    id: InterfaceId,
    used: HashMap<TypeId, TypeId>,
}

impl Calls {
    fn new(resolve: &mut Resolve, world: WorldId) -> Self {
        let calls = Interface {
            name: None,
            types: IndexMap::default(),
            functions: IndexMap::default(),
            docs: Docs::default(),
            stability: Stability::Unknown,
            package: resolve.worlds[world].package,
            span: Span::default(),
            clone_of: None,
        };
        let id = resolve.interfaces.alloc(calls);
        let item = WorldItem::Interface {
            id,
            stability: Stability::Unknown,
            external_id: None,
            docs: Docs::default(),
            span: Span::default(),
        };
        resolve.worlds[world].exports.insert(WorldKey::Name("calls".to_owned()), item);
        Self { id, used: HashMap::new() }
    }

    /// Adds the call that passes on to `function`.
    fn add(&mut self, resolve: &mut Resolve, function: &Function, number: usize) -> Function {
        let is_async = matches!(
            function.kind,
            FunctionKind::AsyncFreestanding
                | FunctionKind::AsyncMethod(_)
                | FunctionKind::AsyncStatic(_)
        );
        let kind =
            if is_async { FunctionKind::AsyncFreestanding } else { FunctionKind::Freestanding };
        let mut call = Function { name: format!("call-{number}"), kind, ..function.clone() };
        for param in &mut call.params {
            param.ty = self.use_type(resolve, param.ty);
        }
        call.result = call.result.map(|ty| self.use_type(resolve, ty));
        resolve.interfaces[self.id].functions.insert(call.name.clone(), call.clone());
        call
    }

    /// The type as the interface has it: a named type is used, an unnamed one is defined again.
    fn use_type(&mut self, resolve: &mut Resolve, ty: Type) -> Type {
        match ty {
            Type::Id(id) => Type::Id(self.use_id(resolve, id)),
            ty => ty,
        }
    }

    fn use_id(&mut self, resolve: &mut Resolve, id: TypeId) -> TypeId {
        if let Some(used) = self.used.get(&id) {
            return *used;
        }
        let mut ty = resolve.types[id].clone();
        let name = ty.name.is_some().then(|| format!("used-{}", self.used.len()));
        if let Some(name) = &name {
            ty.kind = TypeDefKind::Type(Type::Id(id));
            ty.owner = TypeOwner::Interface(self.id);
            ty.name = Some(name.clone());
        } else {
            ty.kind = match ty.kind {
                TypeDefKind::Handle(Handle::Own(id)) => {
                    TypeDefKind::Handle(Handle::Own(self.use_id(resolve, id)))
                }
                TypeDefKind::Handle(Handle::Borrow(id)) => {
                    TypeDefKind::Handle(Handle::Borrow(self.use_id(resolve, id)))
                }
                TypeDefKind::Option(ty) => TypeDefKind::Option(self.use_type(resolve, ty)),
                TypeDefKind::List(ty) => TypeDefKind::List(self.use_type(resolve, ty)),
                TypeDefKind::Tuple(Tuple { types }) => TypeDefKind::Tuple(Tuple {
                    types: types.into_iter().map(|ty| self.use_type(resolve, ty)).collect(),
                }),
                TypeDefKind::Result(Result_ { ok, err }) => TypeDefKind::Result(Result_ {
                    ok: ok.map(|ty| self.use_type(resolve, ty)),
                    err: err.map(|ty| self.use_type(resolve, ty)),
                }),
                TypeDefKind::Future(ty) => {
                    TypeDefKind::Future(ty.map(|ty| self.use_type(resolve, ty)))
                }
                TypeDefKind::Stream(ty) => {
                    TypeDefKind::Stream(ty.map(|ty| self.use_type(resolve, ty)))
                }
                kind => panic!("no function of WASI takes or gives {kind:?}"),
            };
        }
        let used = resolve.types.alloc(ty);
        if let Some(name) = name {
            resolve.interfaces[self.id].types.insert(name, used);
        }
        self.used.insert(id, used);
        used
    }
}

/// All interfaces of a package that a component may import, with its version if it has one.
fn interface_names(text: &str) -> Vec<String> {
    let package = text.lines().find_map(|line| line.strip_prefix("package ")).expect("a package");
    let package = package.trim().trim_end_matches(';');
    let (package, version) = match package.split_once('@') {
        Some((package, version)) => (package, format!("@{version}")),
        None => (package, String::new()),
    };
    let names = text.lines().filter_map(|line| line.strip_prefix("interface "));
    let names = names.map(|line| line.trim().trim_end_matches('{').trim());
    names
        .filter(|name| !ENTRY_POINTS.contains(name))
        .map(|name| format!("{package}/{name}{version}"))
        .collect()
}

/// The text of the core module.
#[derive(Default)]
struct Module {
    imports: String,
    functions: String,
    drops: Vec<String>,
}

impl Module {
    fn pass_on(&mut self, resolve: &Resolve, module: &str, from: &Function, to: &Function) {
        let import = resolve.wasm_signature(AbiVariant::GuestImport, from);
        let export = resolve.wasm_signature(AbiVariant::GuestExport, to);
        let name = &to.name;
        let _ = writeln!(
            self.imports,
            "(import {module:?} {:?} (func ${name} {}))",
            from.name,
            signature(&import)
        );
        let mut body = String::new();
        for index in 0..export.params.len() {
            let _ = write!(body, "local.get {index} ");
        }
        if import.retptr {
            body.push_str("global.get $results ");
        }
        let _ = write!(body, "call ${name} ");
        for (index, module, resource) in borrowed(resolve, to) {
            let drop = self.drop(&module, &resource);
            let _ = write!(body, "local.get {index} call $drop{drop} ");
        }
        if import.retptr {
            body.push_str("global.get $results ");
        }
        let _ = writeln!(
            self.functions,
            "(func (export \"calls#{name}\") {} {body})",
            signature(&export)
        );
    }

    /// The number of the import that drops a resource.
    fn drop(&mut self, module: &str, resource: &str) -> usize {
        let import = format!("(import {module:?} \"[resource-drop]{resource}\"");
        self.drops.iter().position(|known| *known == import).unwrap_or_else(|| {
            self.drops.push(import);
            self.drops.len() - 1
        })
    }

    fn finish(mut self) -> String {
        for (index, import) in self.drops.iter().enumerate() {
            let _ = writeln!(self.imports, "{import} (func $drop{index} (param i32)))");
        }
        format!(
            r#"(module
                {}
                (memory (export "memory") 64)
                (global $results i32 (i32.const 1024))
                (global $next (mut i32) (i32.const 8192))
                ;; Nothing is given back: an instance makes a few hundred calls.
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                    (global.set $next (i32.and (i32.add (global.get $next) (i32.const 15))
                                               (i32.const -16)))
                    (global.get $next)
                    (global.set $next (i32.add (global.get $next) (local.get 3))))
                {})"#,
            self.imports, self.functions
        )
    }
}

/// The parameters that are borrowed handles: their place among the flat ones, the interface of
/// their resource, and its name.
fn borrowed(resolve: &Resolve, function: &Function) -> Vec<(usize, String, String)> {
    let mut found = Vec::new();
    let mut index = 0;
    for param in &function.params {
        if let Type::Id(id) = param.ty
            && let TypeDefKind::Handle(Handle::Borrow(resource)) = resolve.types[id].kind
        {
            let mut resource = resource;
            while let TypeDefKind::Type(Type::Id(source)) = resolve.types[resource].kind {
                resource = source;
            }
            let ty = &resolve.types[resource];
            let TypeOwner::Interface(owner) = ty.owner else { panic!("a resource has an owner") };
            let owner = resolve.id_of(owner).expect("an interface of a package has a name");
            found.push((index, owner, ty.name.clone().expect("a resource has a name")));
        }
        let mut room = [WasmType::I32; 64];
        let mut flat = FlatTypes::new(&mut room);
        assert!(resolve.push_flat(&param.ty, &mut flat), "no parameter is that large");
        index += flat.to_vec().len();
    }
    found
}

fn signature(signature: &WasmSignature) -> String {
    let list = |word: &str, types: &[WasmType]| -> String {
        types.iter().map(|ty| format!("({word} {})", core(*ty))).collect()
    };
    list("param", &signature.params) + &list("result", &signature.results)
}

fn core(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
    }
}
