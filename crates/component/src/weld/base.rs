//! The module that holds the memory, and what the component model needs before there is any code.

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ExportKind, ExportSection, Function, FunctionSection,
    Instruction, MemorySection, TableSection, TypeSection,
    reencode::{Reencode, RoundtripReencoder},
};
use wasmparser::{Data, DataKind, FuncType};

use super::{
    Fit, Unfit,
    graph::Source,
    join::{Join, MEMORY, STUBS, stub_table, unwritable},
    module::{constant, count},
};

/// The base: the memory with its data, and for each function of `stubs`, which the joint
/// defines, one that calls it.
pub(super) fn base(join: &Join<'_, '_>, stubs: &[Source]) -> Fit<Vec<u8>> {
    let (mut types, mut functions) = (TypeSection::new(), FunctionSection::new());
    let (mut code, mut exports) = (CodeSection::new(), ExportSection::new());
    for (place, stub) in (0..).zip(stubs) {
        let ty = signature(join, *stub)?;
        types.ty().func_type(&RoundtripReencoder.func_type(ty.clone()).map_err(unwritable)?);
        functions.function(place);
        exports.export(&place.to_string(), ExportKind::Func, place);
        let mut body = Function::new([]);
        for param in 0..count(ty.params()) {
            body.instruction(&Instruction::LocalGet(param));
        }
        body.instruction(&Instruction::I32Const(place.cast_signed()));
        body.instruction(&Instruction::CallIndirect { type_index: place, table_index: 0 });
        body.instruction(&Instruction::End);
        code.function(&body);
    }
    let (mut tables, mut memories) = (TableSection::new(), MemorySection::new());
    if !stubs.is_empty() {
        tables.table(stub_table(count(stubs)));
        exports.export(STUBS, ExportKind::Table, 0);
    }
    memories.memory(RoundtripReencoder.memory_type(join.memory.1).map_err(unwritable)?);
    exports.export(MEMORY, ExportKind::Memory, 0);
    let mut data = DataSection::new();
    for piece in join.graph.modules.iter().flat_map(|module| &module.data) {
        data.active(0, &offset(join, piece)?, piece.data.iter().copied());
    }
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&functions).section(&tables).section(&memories);
    module.section(&exports).section(&code).section(&data);
    Ok(module.finish())
}

/// Where a piece of data goes, if it has its place from the beginning.
fn offset(join: &Join<'_, '_>, data: &Data<'_>) -> Fit<ConstExpr> {
    let DataKind::Active { offset_expr, .. } = &data.kind else {
        return Err(Unfit("it has data to be copied later"));
    };
    let offset = constant(offset_expr).ok_or(Unfit("it computes where data goes"))?;
    let end = u64::from(offset) + data.data.len() as u64;
    // Data beyond it makes an instance fail, which is not to come at another point.
    if end > join.memory.1.initial << 16 {
        return Err(Unfit("it has data beyond its memory"));
    }
    Ok(ConstExpr::i32_const(offset.cast_signed()))
}

/// What a function of a module takes and returns.
fn signature<'j>(join: &'j Join<'_, '_>, source: Source) -> Fit<&'j FuncType> {
    match source {
        Source::Canonical(_) => Err(Unfit("the host is to call itself")),
        Source::Module(module, function) => join.graph.modules[module].signature(function),
    }
}
