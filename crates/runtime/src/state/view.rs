//! What a host function sees of an instance: the part that belongs to the component whose call it
//! is.
//!
//! The bindings of wasmtime's crates take a plain function that finds this in the store's data, so
//! the component cannot be captured. It is a constant of that function instead, and [`of`] takes
//! the one for a component's slot from a table. Only [`in_slot`] is made for each slot; the
//! bindings themselves are made once, and a call costs one jump through a pointer more.

use wasmtime::component::{HasData, ResourceTable};
use wasmtime_wasi::{
    cli::{WasiCli, WasiCliCtxView},
    clocks::{WasiClocks, WasiClocksCtxView},
    filesystem::{WasiFilesystem, WasiFilesystemCtxView},
    random::{WasiRandom, WasiRandomCtx},
    sockets::{WasiSockets, WasiSocketsCtxView},
};
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtxView};

use super::{MAX_MEMBERS, NOBODY, State};

/// Data of host functions that a component has for itself.
pub(crate) trait Viewed: HasData {
    /// That of the component in `slot`.
    fn view(state: &mut State, slot: usize) -> Self::Data<'_>;
}

/// Finds the data of one component.
pub(crate) type Getter<D> = for<'a> fn(&'a mut State) -> <D as HasData>::Data<'a>;

/// What finds the data of the component in `slot`.
pub(crate) fn of<D: Viewed>(slot: usize) -> Getter<D> {
    macro_rules! getters {
        ($($slot:literal)*) => {
            const { &[$(in_slot::<D, $slot> as Getter<D>,)* in_slot::<D, NOBODY>] }
        };
    }
    let getters: &'static [Getter<D>; MAX_MEMBERS + 1] = getters!(
        0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
        32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60
        61 62 63
    );
    getters[slot.min(NOBODY)]
}

fn in_slot<D: Viewed, const N: usize>(state: &mut State) -> D::Data<'_> {
    state.is_touched = true;
    D::view(state, N)
}

/// The handles, which all components of a unit have together.
pub(crate) fn table(state: &mut State) -> &mut ResourceTable {
    state.is_touched = true;
    &mut state.table
}

impl Viewed for WasiCli {
    fn view(state: &mut State, slot: usize) -> WasiCliCtxView<'_> {
        let (context, table) = state.context(slot);
        WasiCliCtxView { ctx: context.cli(), table }
    }
}

impl Viewed for WasiClocks {
    fn view(state: &mut State, slot: usize) -> WasiClocksCtxView<'_> {
        let (context, table) = state.context(slot);
        WasiClocksCtxView { ctx: context.clocks(), table }
    }
}

impl Viewed for WasiRandom {
    fn view(state: &mut State, slot: usize) -> &mut WasiRandomCtx {
        state.context(slot).0.random()
    }
}

impl Viewed for WasiFilesystem {
    fn view(state: &mut State, slot: usize) -> WasiFilesystemCtxView<'_> {
        let (context, table) = state.context(slot);
        WasiFilesystemCtxView { ctx: context.filesystem(), table }
    }
}

impl Viewed for WasiSockets {
    fn view(state: &mut State, slot: usize) -> WasiSocketsCtxView<'_> {
        let (context, table) = state.context(slot);
        WasiSocketsCtxView { ctx: context.sockets(), table }
    }
}

/// Sockets where one is made, by a check of its own.
pub(crate) struct NewSocket;

impl HasData for NewSocket {
    type Data<'a> = WasiSocketsCtxView<'a>;
}

impl Viewed for NewSocket {
    fn view(state: &mut State, slot: usize) -> WasiSocketsCtxView<'_> {
        let check = crate::grant::socket::context(&state.hooks.plan, slot);
        let (context, table) = state.context(slot);
        let ctx = context.sockets();
        *ctx = check;
        WasiSocketsCtxView { ctx, table }
    }
}

impl Viewed for WasiHttp {
    fn view(state: &mut State, slot: usize) -> WasiHttpCtxView<'_> {
        state.hooks.member = slot;
        WasiHttpCtxView { ctx: &mut state.http, table: &mut state.table, hooks: &mut state.hooks }
    }
}
