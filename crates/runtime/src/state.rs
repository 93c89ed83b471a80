//! What an instance's host functions see: one table of handles, and a WASI context for each
//! component of the unit, created when the component first asks for something.

mod held;
mod socket;
pub(crate) mod view;

use std::sync::Arc;

use keyway_call::Failure;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};
use wasmtime_wasi_http::WasiHttpCtx;
use wasmtime_wasi_tls::{WasiTlsCtx, WasiTlsCtxView};

pub(crate) use self::held::{Charge, Held};
use self::socket::Notes;
use crate::{
    grant::http::Hooks,
    grant::plan::{Member, Plan},
    handle,
    limit::{self, Meter},
    memory::Share,
};

/// Components with authorities of their own that one unit can hold: as many as there are views of
/// an instance.
pub(crate) const MAX_MEMBERS: usize = 64;

/// The slot of the component that a unit is named for, and whose exports are called.
pub(crate) const ROOT: usize = 0;

/// The slot of what is imported by no component in particular: interfaces that only describe.
/// Its context grants nothing.
pub(crate) const NOBODY: usize = MAX_MEMBERS;

/// The data of one instance's store.
pub(crate) struct State {
    pub(crate) table: ResourceTable,
    contexts: Box<[Option<Box<WasiCtx>>]>,
    http: WasiHttpCtx,
    hooks: Hooks,
    /// Made when it is first asked for.
    tls: Option<WasiTlsCtx>,
    pub(crate) sockets: Notes,
    held: Held,
    pub(crate) meter: Meter,
    /// Whether the instance asked the host for anything.
    pub(crate) is_touched: bool,
    /// Whether its call has ended, and what is dropped is what it has left.
    pub(crate) is_ending: bool,
}

impl State {
    /// Of an instance of the unit with this `plan`, with its share of the host's memory.
    pub(crate) fn new(plan: &Arc<Plan>, share: Share) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(plan.handles);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(handle::FIELDS_BYTES);
        Self {
            table,
            contexts: (0..=plan.members.len()).map(|_| None).collect(),
            http,
            hooks: Hooks { plan: Arc::clone(plan), member: 0 },
            tls: None,
            sockets: Notes::default(),
            held: Held::new(plan.limit.memory_bytes),
            meter: Meter::new(&plan.limit, plan.members.len(), share),
            is_touched: false,
            is_ending: false,
        }
    }

    /// That of a new instance, for one that is put back into its first state: all that it had here is
    /// gone, except for its memory and its room in the pool.
    pub(crate) fn renew(&mut self) {
        let new = Self::new(&self.hooks.plan, self.meter.share.of_nothing());
        let old = std::mem::replace(self, new);
        self.meter = old.meter.renewed();
    }

    /// The component in `slot`, if there is one.
    pub(crate) fn member(&self, slot: usize) -> Option<&Arc<Member>> {
        self.hooks.plan.members.get(slot)
    }

    /// Called when code runs and a tick has passed since it was last asked to give way.
    pub(crate) fn tick(&mut self) -> wasmtime::Result<wasmtime::UpdateDeadline> {
        self.meter.tick(&self.hooks.plan.account)
    }

    /// The limit that a call went beyond which ended with this error of the engine, if it did.
    pub(crate) fn exceeded(&mut self, error: &str) -> Option<Failure> {
        let refused = self.meter.refused.take();
        refused.or_else(|| limit::exceeded(error, &self.hooks.plan))
    }

    /// Tells the log that a component tried to change what it may only read.
    pub(crate) fn report_change(&self) {
        if let Some(member) = self.owner_of_files() {
            member.report_change();
        }
    }

    /// Tells the log that a component gave a path that leads out of its folders.
    pub(crate) fn report_way_out(&self) {
        if let Some(member) = self.owner_of_files() {
            member.report_way_out();
        }
    }

    /// Components that are fused share the functions of open files: whose they are is clear if one of
    /// them alone has folders.
    fn owner_of_files(&self) -> Option<&Member> {
        let members = self.hooks.plan.members.iter();
        let mut owners = members.filter(|member| !member.principal.grant.files.is_empty());
        match (owners.next(), owners.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }

    /// What encryption needs of it, which `make` makes when it is first asked for.
    pub(crate) fn tls_view(&mut self, make: fn(&Arc<Plan>) -> WasiTlsCtx) -> WasiTlsCtxView<'_> {
        let ctx = self.tls.get_or_insert_with(|| make(&self.hooks.plan));
        WasiTlsCtxView { table: &mut self.table, ctx }
    }

    /// What all capabilities need of it.
    pub(crate) fn parts(&mut self) -> (&Arc<Plan>, &mut ResourceTable, &Held) {
        (&self.hooks.plan, &mut self.table, &self.held)
    }

    fn context(&mut self, slot: usize) -> (&mut WasiCtx, &mut ResourceTable) {
        let members = &self.hooks.plan.members;
        let slot = slot.min(members.len());
        let context = self.contexts[slot].get_or_insert_with(|| {
            Box::new(match members.get(slot) {
                Some(_) => crate::grant::context(&self.hooks.plan, slot),
                None => WasiCtxBuilder::new().build(),
            })
        });
        (context, &mut self.table)
    }
}
