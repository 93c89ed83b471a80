//! Calls everything that can be called, with all handles from earlier calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddrV4,
    sync::Arc,
    time::Duration,
};

use wasmtime::{
    Store,
    component::{
        Component, FutureAny, FutureReader, Instance, Linker, Resource, ResourceAny, ResourceType,
        StreamReader, Type, Val,
    },
};
use wasmtime_wasi_http::{FieldMap, p3::bindings::http::types::ErrorCode};

use super::probe::Probe;
use crate::{
    grant::plan::Plan,
    memory::{Budget, Share},
    state::State,
};

/// A longer call waits for something that never comes, such as the reader of a body.
const PATIENCE: Duration = Duration::from_secs(3);

/// Enough for the longest chain of handles: fields, a request, its body, a stream, a pollable.
const ROUNDS: usize = 8;

/// How many handles of a type are kept, and each function is called with in a round.
const AGES: usize = 12;

/// What a call came to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// A value.
    Gives(String),
    /// The interface's own error.
    Refuses(String),
    /// The instance was ended.
    Traps(String),
    /// It does not come back.
    Waits,
}

/// Every call's outcomes; none for what takes a handle that cannot be had.
pub(super) type Outcomes = BTreeMap<usize, BTreeSet<Outcome>>;

pub(super) struct Explorer<'a> {
    pub(super) component: &'a Component,
    pub(super) linker: &'a Linker<State>,
    pub(super) plan: &'a Arc<Plan>,
    pub(super) probe: &'a Probe,
    /// A server that counts connections; every address and authority leads to it.
    pub(super) witness: SocketAddrV4,
}

impl Explorer<'_> {
    /// Calls all that can be called. What ends an instance is called once; the rest is called
    /// again in the next instance, up to one that lives to the end.
    pub(super) async fn explore(&self) -> Outcomes {
        let mut outcomes = Outcomes::new();
        let mut deadly = BTreeSet::new();
        while let Some(call) = self.live(&deadly, &mut outcomes).await {
            deadly.insert(call);
        }
        outcomes
    }

    /// One instance's life; says which call ended it, if one did.
    async fn live(&self, deadly: &BTreeSet<usize>, outcomes: &mut Outcomes) -> Option<usize> {
        let share = Share::of(Budget::of_this_host(), None);
        let mut store = Store::new(self.component.engine(), State::new(self.plan, share));
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = self.linker.instantiate_async(&mut store, self.component).await;
        let mut life = Life {
            instance: instance.expect("the probe is instantiated"),
            store,
            handles: Vec::new(),
            age: 0,
            took_handle: false,
            witness: self.witness,
        };
        for round in 0..ROUNDS {
            // To and fro, since some calls use up what later ones need.
            let mut order: Vec<_> =
                (0..self.probe.calls.len()).filter(|call| !deadly.contains(call)).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for call in order {
                for age in 0..AGES {
                    life.age = age;
                    let Some(outcome) = life.call(call).await else { break };
                    let is_end = matches!(outcome, Outcome::Traps(_) | Outcome::Waits);
                    outcomes.entry(call).or_default().insert(outcome);
                    if is_end {
                        return Some(call);
                    }
                    // What takes no handle comes to the same again.
                    if !life.took_handle {
                        break;
                    }
                }
            }
        }
        None
    }
}

/// An instance and the handles that it gave.
struct Life {
    store: Store<State>,
    instance: Instance,
    handles: Vec<(ResourceType, ResourceAny)>,
    /// Which handle of a type to call with: 0 is the newest.
    age: usize,
    /// Whether the last call was given one.
    took_handle: bool,
    witness: SocketAddrV4,
}

impl Life {
    /// Calls one export, if there are handles for all its parameters.
    async fn call(&mut self, number: usize) -> Option<Outcome> {
        let export = format!("call-{number}");
        let calls = self.instance.get_export_index(&mut self.store, None, "calls");
        let export = self.instance.get_export_index(&mut self.store, calls.as_ref(), &export);
        let function = export.and_then(|export| self.instance.get_func(&mut self.store, export));
        let function = function.expect("it is exported");
        let ty = function.ty(&self.store);
        let before = self.handles.clone();
        self.took_handle = false;
        let mut arguments = Vec::new();
        for (parameter, ty) in ty.params() {
            match self.value(parameter, &ty) {
                Some(value) => arguments.push(value),
                None => {
                    self.handles = before;
                    return None;
                }
            }
        }
        let mut results: Vec<Val> = ty.results().map(|_| Val::Bool(false)).collect();
        let call = function.call_async(&mut self.store, &arguments, &mut results);
        let Ok(called) = tokio::time::timeout(PATIENCE, call).await else {
            return Some(Outcome::Waits);
        };
        if let Err(error) = called {
            return Some(Outcome::Traps(error.root_cause().to_string()));
        }
        let mut outcome = Outcome::Gives("nothing".to_owned());
        for (value, ty) in results.into_iter().zip(ty.results()) {
            outcome = match &value {
                Val::Result(Err(error)) => Outcome::Refuses(shown(error.as_deref())),
                Val::Result(Ok(value)) => Outcome::Gives(shown(value.as_deref())),
                value => Outcome::Gives(shown(Some(value))),
            };
            self.keep(value, &ty);
        }
        Some(outcome)
    }

    /// Keeps the handles in a value; what streams is closed.
    fn keep(&mut self, value: Val, ty: &Type) {
        match (value, ty) {
            (Val::Resource(handle), Type::Own(ty)) => {
                // The newest takes the place of the one before it; the first ones stay.
                let numbered = self.handles.iter().enumerate();
                let of_type = numbered.filter(|(_, (known, _))| known == ty);
                if let Some((last, _)) = of_type.skip(AGES - 1).last() {
                    self.handles.remove(last);
                }
                self.handles.push((*ty, handle));
            }
            (Val::Option(Some(value)), Type::Option(ty)) => self.keep(*value, &ty.ty()),
            (Val::Result(Ok(Some(value))), Type::Result(ty)) => {
                if let Some(ty) = ty.ok() {
                    self.keep(*value, &ty);
                }
            }
            (Val::Result(Err(Some(value))), Type::Result(ty)) => {
                if let Some(ty) = ty.err() {
                    self.keep(*value, &ty);
                }
            }
            (Val::Variant(name, Some(value)), Type::Variant(ty)) => {
                let case = ty.cases().find(|case| case.name == name);
                if let Some(ty) = case.and_then(|case| case.ty) {
                    self.keep(*value, &ty);
                }
            }
            (Val::Tuple(values), Type::Tuple(ty)) => {
                for (value, ty) in values.into_iter().zip(ty.types()) {
                    self.keep(value, &ty);
                }
            }
            (Val::List(values), Type::List(ty)) => {
                for value in values {
                    self.keep(value, &ty.ty());
                }
            }
            (Val::Stream(mut stream), _) => {
                stream.close(&mut self.store).expect("a stream is closed");
            }
            (Val::Future(mut future), _) => {
                future.close(&mut self.store).expect("a future is closed");
            }
            _ => {}
        }
    }

    /// The number of a handle.
    fn find(&self, ty: &ResourceType) -> Option<usize> {
        let numbered = self.handles.iter().enumerate().rev();
        let mut meant = numbered.filter(|(_, (known, _))| known == ty);
        meant.nth(self.age).map(|(index, _)| index)
    }

    /// A future of one of the two types that functions of WASI take.
    fn future(&mut self, ty: &Type) -> Option<FutureAny> {
        let Type::Result(ty) = ty else { return None };
        let store = &mut self.store;
        if ty.ok().is_some() {
            let none = async { wasmtime::error::Ok::<Trailers>(Ok(None)) };
            FutureReader::new(&mut *store, none).ok()?.try_into_future_any(store).ok()
        } else {
            let taken = async { wasmtime::error::Ok::<Taken>(Ok(())) };
            FutureReader::new(&mut *store, taken).ok()?.try_into_future_any(store).ok()
        }
    }

    /// A value that would reach something if it could. None without the handle for it.
    fn value(&mut self, name: &str, ty: &Type) -> Option<Val> {
        Some(match ty {
            Type::Bool => Val::Bool(true),
            Type::S8 => Val::S8(1),
            Type::U8 => Val::U8(1),
            Type::S16 => Val::S16(1),
            Type::U16 if name.contains("port") => Val::U16(self.witness.port()),
            Type::U16 => Val::U16(1),
            Type::S32 => Val::S32(1),
            Type::U32 => Val::U32(1),
            Type::S64 => Val::S64(1),
            Type::U64 => Val::U64(1),
            Type::Float32 => Val::Float32(1.0),
            Type::Float64 => Val::Float64(1.0),
            Type::Char => Val::Char('a'),
            Type::String => Val::String(match name {
                "authority" => self.witness.to_string(),
                "path" | "old-path" | "new-path" => "etc/passwd".to_owned(),
                "path-with-query" => "/".to_owned(),
                _ => "localhost".to_owned(),
            }),
            Type::List(ty) if matches!(ty.ty(), Type::U8) => Val::List(vec![Val::U8(b'x')]),
            Type::List(_) => Val::List(Vec::new()),
            Type::Tuple(ty) if ty.types().len() == 4 => {
                Val::Tuple(self.witness.ip().octets().map(Val::U8).to_vec())
            }
            Type::Tuple(ty) => {
                Val::Tuple(ty.types().map(|ty| self.value(name, &ty)).collect::<Option<_>>()?)
            }
            Type::Record(ty) => {
                let field = |field: wasmtime::component::types::Field<'_>| {
                    Some((field.name.to_owned(), self.value(field.name, &field.ty)?))
                };
                Val::Record(ty.fields().map(field).collect::<Option<_>>()?)
            }
            Type::Variant(ty) => ty.cases().find_map(|case| {
                let value = match case.ty {
                    Some(ty) => Some(Box::new(self.value(name, &ty)?)),
                    None => None,
                };
                Some(Val::Variant(case.name.to_owned(), value))
            })?,
            Type::Enum(ty) => Val::Enum(ty.names().next()?.to_owned()),
            Type::Flags(_) => Val::Flags(Vec::new()),
            Type::Option(ty) => Val::Option(self.value(name, &ty.ty()).map(Box::new)),
            Type::Result(ty) => Val::Result(Ok(match ty.ok() {
                Some(ty) => Some(Box::new(self.value(name, &ty)?)),
                None => None,
            })),
            Type::Own(ty) => {
                let index = self.find(ty)?;
                self.took_handle = true;
                Val::Resource(self.handles.remove(index).1)
            }
            Type::Borrow(ty) => {
                let index = self.find(ty)?;
                self.took_handle = true;
                Val::Resource(self.handles[index].1)
            }
            Type::Stream(_) => {
                let stream = StreamReader::new(&mut self.store, vec![b'x']).ok()?;
                Val::Stream(stream.try_into_stream_any(&mut self.store).ok()?)
            }
            Type::Future(ty) => Val::Future(self.future(&ty.ty()?)?),
            _ => return None,
        })
    }
}

/// What functions of WASI wait for: a message's trailers, and whether it was taken well.
type Trailers = Result<Option<Resource<FieldMap>>, ErrorCode>;
type Taken = Result<(), ErrorCode>;

/// A value in few words: what matters is whether there is something.
fn shown(value: Option<&Val>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Val::Option(None)) => "none".to_owned(),
        Some(Val::Option(Some(value))) => shown(Some(value)),
        Some(Val::List(values)) if values.is_empty() => "an empty list".to_owned(),
        Some(Val::Enum(name)) => name.clone(),
        Some(Val::Variant(name, None)) => name.clone(),
        Some(Val::Variant(name, Some(value))) => format!("{name}: {}", shown(Some(value))),
        Some(Val::Resource(_)) => "a handle".to_owned(),
        Some(Val::Stream(_) | Val::Future(_)) => "a stream".to_owned(),
        Some(Val::Tuple(values)) => {
            values.iter().map(|value| shown(Some(value))).collect::<Vec<_>>().join(" and ")
        }
        Some(Val::Result(Ok(value))) => shown(value.as_deref()),
        Some(Val::Result(Err(value))) => format!("the error {}", shown(value.as_deref())),
        Some(Val::Bool(_)) => "true or false".to_owned(),
        Some(Val::String(text)) => format!("{text:?}"),
        Some(_) => "a value".to_owned(),
    }
}
