//! What an instance's host functions see: one table of handles, and a WASI context for each
//! component of the unit, created when the component first asks for something.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{
    WasiCtx, WasiCtxBuilder, cli::WasiCliCtxView, clocks::WasiClocksCtxView,
    filesystem::WasiFilesystemCtxView, random::WasiRandomCtx, sockets::WasiSocketsCtxView,
};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView};
use wasmtime_wasi_tls::{WasiTlsCtx, WasiTlsCtxView};

use crate::{
    bind::held::Held,
    exact,
    failure::Failure,
    grant::http::Hooks,
    handle,
    limit::{self, Meter},
    plan::{Member, Plan},
};

/// Components with authorities of their own that one unit can hold. Host functions find theirs by
/// a constant, because the bindings of wasmtime's crates take a plain function, not a closure.
pub(crate) const MEMBERS_AT_MOST: usize = 64;

/// The slot of what is imported by no component in particular: interfaces that only describe.
/// Its context grants nothing.
pub(crate) const NOBODY: usize = MEMBERS_AT_MOST;

/// The data of one instance's store.
pub(crate) struct State {
    table: ResourceTable,
    contexts: Box<[Option<Box<WasiCtx>>]>,
    http: WasiHttpCtx,
    hooks: Hooks,
    /// Made when it is first asked for.
    tls: Option<WasiTlsCtx>,
    pub(crate) sockets: exact::Notes,
    /// Counted by the values that the instance writes to containers.
    writes: Arc<()>,
    held: Held,
    pub(crate) meter: Meter,
}

impl State {
    pub(crate) fn new(plan: &Arc<Plan>) -> Self {
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
            sockets: exact::Notes::default(),
            writes: Arc::new(()),
            held: Held::new(plan.limit.memory_bytes),
            meter: Meter::new(&plan.limit),
        }
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

    fn context<const N: usize>(&mut self) -> (&mut WasiCtx, &mut ResourceTable) {
        let members = &self.hooks.plan.members;
        let slot = N.min(members.len());
        let context = self.contexts[slot].get_or_insert_with(|| {
            Box::new(match members.get(slot) {
                Some(_) => crate::grant::context(&self.hooks.plan, slot),
                None => WasiCtxBuilder::new().build(),
            })
        });
        (context, &mut self.table)
    }
}

/// The views that the bindings ask for, for the component in slot `N`.
pub(crate) mod view {
    use super::*;

    pub(crate) fn table(state: &mut State) -> &mut ResourceTable {
        &mut state.table
    }

    pub(crate) fn cli<const N: usize>(state: &mut State) -> WasiCliCtxView<'_> {
        let (context, table) = state.context::<N>();
        WasiCliCtxView { ctx: context.cli(), table }
    }

    pub(crate) fn clocks<const N: usize>(state: &mut State) -> WasiClocksCtxView<'_> {
        let (context, table) = state.context::<N>();
        WasiClocksCtxView { ctx: context.clocks(), table }
    }

    pub(crate) fn random<const N: usize>(state: &mut State) -> &mut WasiRandomCtx {
        state.context::<N>().0.random()
    }

    pub(crate) fn files<const N: usize>(state: &mut State) -> WasiFilesystemCtxView<'_> {
        let (context, table) = state.context::<N>();
        WasiFilesystemCtxView { ctx: context.filesystem(), table }
    }

    pub(crate) fn sockets<const N: usize>(state: &mut State) -> WasiSocketsCtxView<'_> {
        let (context, table) = state.context::<N>();
        WasiSocketsCtxView { ctx: context.sockets(), table }
    }

    /// The same where a socket is made, by a check of its own.
    pub(crate) fn new_socket<const N: usize>(state: &mut State) -> WasiSocketsCtxView<'_> {
        let anew = crate::grant::socket::context(&state.hooks.plan, N);
        let (context, table) = state.context::<N>();
        let ctx = context.sockets();
        *ctx = anew;
        WasiSocketsCtxView { ctx, table }
    }

    pub(crate) fn keyvalue<const N: usize>(state: &mut State) -> crate::bind::keyvalue::View<'_> {
        crate::bind::keyvalue::View {
            member: state.hooks.plan.members.get(N).map(AsRef::as_ref),
            table: &mut state.table,
            held: &state.held,
        }
    }

    pub(crate) fn blobstore<const N: usize>(state: &mut State) -> crate::bind::blobstore::View<'_> {
        crate::bind::blobstore::View {
            member: state.hooks.plan.members.get(N).map(AsRef::as_ref),
            table: &mut state.table,
            writes: &state.writes,
            memory_bytes: state.hooks.plan.limit.memory_bytes,
        }
    }

    pub(crate) fn messaging<const N: usize>(state: &mut State) -> crate::bind::messaging::View<'_> {
        crate::bind::messaging::View {
            member: state.hooks.plan.members.get(N).map(AsRef::as_ref),
            table: &mut state.table,
            held: &state.held,
        }
    }

    pub(crate) fn config<const N: usize>(state: &mut State) -> crate::bind::config::View<'_> {
        crate::bind::config::View(state.hooks.plan.members.get(N).map(AsRef::as_ref))
    }

    pub(crate) fn sql<const N: usize>(state: &mut State) -> crate::bind::sql::View<'_> {
        crate::bind::sql::View { member: state.hooks.plan.members.get(N), table: &mut state.table }
    }

    pub(crate) fn redis<const N: usize>(state: &mut State) -> crate::bind::redis::View<'_> {
        crate::bind::redis::View {
            member: state.hooks.plan.members.get(N).map(AsRef::as_ref),
            table: &mut state.table,
        }
    }

    pub(crate) fn tls(state: &mut State) -> WasiTlsCtxView<'_> {
        let ctx = state.tls.get_or_insert_with(crate::bind::tls::context);
        WasiTlsCtxView { table: &mut state.table, ctx }
    }

    pub(crate) fn logging<const N: usize>(state: &mut State) -> crate::bind::logging::View<'_> {
        crate::bind::logging::View { plan: &state.hooks.plan, slot: N }
    }

    pub(crate) fn http<const N: usize>(state: &mut State) -> WasiHttpCtxView<'_> {
        state.hooks.member = N;
        WasiHttpCtxView { ctx: &mut state.http, table: &mut state.table, hooks: &mut state.hooks }
    }
}
