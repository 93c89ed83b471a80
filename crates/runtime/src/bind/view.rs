//! What the host functions of a capability see: whose call it is, and what its instance has at the
//! host.

use std::{marker::PhantomData, sync::Arc};

use wasmtime::component::{HasData, ResourceTable};

use crate::{
    grant::plan::{Member, Plan},
    state::{Held, State, view::Viewed},
};

/// What the functions of the capability `C` see. Each capability has a type of its own for `C`, so
/// that each implements its interfaces for a view of its own.
pub(crate) struct View<'a, C> {
    /// None for an import without an owner: it opens nothing.
    pub(crate) member: Option<&'a Arc<Member>>,
    pub(crate) plan: &'a Arc<Plan>,
    /// Where the component is in the plan, or beyond its end for an import without an owner.
    pub(crate) slot: usize,
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) held: &'a Held,
    _capability: PhantomData<C>,
}

/// Says to bindings that their functions see a [`View`].
pub(crate) struct ViewOf<C>(PhantomData<C>);

impl<C: 'static> HasData for ViewOf<C> {
    type Data<'a> = View<'a, C>;
}

impl<C: 'static> Viewed for ViewOf<C> {
    fn view(state: &mut State, slot: usize) -> View<'_, C> {
        let (plan, table, held) = state.parts();
        View { member: plan.members.get(slot), plan, slot, table, held, _capability: PhantomData }
    }
}
