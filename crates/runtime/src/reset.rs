//! Instances that have answered, put back into the state of new ones. A request that gets one of these does
//! not pay for a new instance: neither for the engine's part, nor for the memory that a guest touches first.
//!
//! The component does a part of it itself, by functions that `keyway_component::weld_with_reset` gave it:
//! its globals, and its table of handles. What it has at the host is made anew, as for every instance. This
//! does the rest: its memory.
//!
//! Memory that was written to gets back the bytes that it has in the [`Image`]: an instance that is made
//! like the others, and never called. Its pages are those of the compiled code's file, so that it takes next
//! to no memory. That all instances begin like it follows from WebAssembly being deterministic, and is true
//! only if none asks the host for anything while it is made; a unit of which one does is never reset.
//!
//! An instance cannot tell that it is not new. One that cannot be put back (it trapped, was cancelled, has
//! handles left, or a larger memory) is dropped, and the next request gets a new one. Where the program is
//! built with debug assertions, or the host asks for it, all that an instance can see is compared with the
//! image after each reset.

mod page;
mod parking;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Instant,
};

use futures::future::BoxFuture;
use keyway_component::{Act, Outcome, reset_names};
use wasmtime::{
    AsContext, Store,
    component::{self, ComponentExportIndex, InstancePre, TypedFunc, WasmList},
};
use wasmtime_wasi_http::p2::bindings::Proxy;

pub(crate) use self::parking::Parking;
use self::{
    page::{Memory, PageMap},
    parking::{Berth, Shelves},
};
use crate::{cache::Key, state::State};

/// Requests that a unit answers in new instances before any is reset: one that is called once in a while
/// does not pay for an image.
const CALLS_BEFORE: u32 = 4;

/// Instances of a unit that could not be reset, one after the other, after which it rests.
const MAX_FAILURES: u32 = 16;

/// Requests that such a unit answers in new instances before it is tried again.
const CALLS_OF_REST: u32 = 1000;

/// What an instance may have written to of its memory. Above this, a new one is cheaper.
const MAX_WRITTEN_BYTES: usize = 16 << 20;

/// Resets instances of an engine's units.
#[derive(Debug)]
pub(crate) struct Resetter {
    pages: PageMap,
    /// Whether every instance is compared with the image.
    compares: bool,
    parking: &'static Parking,
}

impl Resetter {
    /// None where the kernel cannot tell which memory was written to.
    pub(crate) fn new(parking: Parking, compares: bool) -> Option<Self> {
        let compares = compares || cfg!(debug_assertions);
        // It stays as long as the process, as the pool's places do.
        let pages = PageMap::open()?;
        Some(Self { pages, compares, parking: Box::leak(Box::new(parking)) })
    }
}

/// The functions of a unit by which its components are reset, in pairs: one that resets, and one that lends
/// the memory.
#[derive(Debug)]
pub(crate) struct Resets(Box<[[ComponentExportIndex; 2]]>);

impl Resets {
    /// Those of a unit, if it can be reset. Their names have the key of its code, so that they are not the
    /// component's own.
    pub(crate) fn find(pre: &InstancePre<State>, key: &Key) -> Option<Self> {
        let find = |name: &str| pre.component().get_export_index(None, name);
        let pairs = (0..).map_while(|number| {
            let [reset, view] = reset_names(number, key.as_str());
            Some([find(&reset)?, find(&view)?])
        });
        let pairs: Box<[_]> = pairs.collect();
        (!pairs.is_empty()).then_some(Self(pairs))
    }
}

/// The same of an instance, for which they are looked up when it is reset first.
pub(crate) struct Parts(Box<[Part]>);

/// A component of an instance.
struct Part {
    reset: TypedFunc<(u32,), (u32,)>,
    memory: Memory,
}

impl Parts {
    async fn of(
        store: &mut Store<State>,
        instance: &component::Instance,
        resets: &Resets,
    ) -> wasmtime::Result<Self> {
        let mut parts = Vec::with_capacity(resets.0.len());
        for [reset, view] in &resets.0 {
            let reset = instance.get_typed_func(&mut *store, reset)?;
            let view = instance.get_typed_func::<(), (WasmList<u8>,)>(&mut *store, view)?;
            let (list,) = view.call_async(&mut *store, ()).await?;
            parts.push(Part { reset, memory: Memory::of(&list, store.as_context()) });
        }
        Ok(Self(parts.into()))
    }

    /// Has all components do it.
    async fn act(&self, store: &mut Store<State>, act: Act) -> Result<(), Unfit> {
        let mut has_dropped = false;
        for part in &self.0 {
            let (outcome,) = part.reset.call_async(&mut *store, (act as u32,)).await?;
            match Outcome::from(outcome) {
                Outcome::Done => {}
                Outcome::Dropped => has_dropped = true,
                Outcome::Grown => return Err(Unfit::Now("its memory has grown")),
                Outcome::Handles => return Err(Unfit::Now("it has handles left")),
                Outcome::Many => return Err(Unfit::Now("it was given many handles")),
                Outcome::Globals => return Err(Unfit::Now("its globals differ")),
            }
        }
        if has_dropped {
            // To drop a handle may call a component that had been reset already.
            Box::pin(self.act(store, Act::Compare)).await?;
        }
        Ok(())
    }
}

/// An instance of a unit with a handler of WASI 0.2.
pub(crate) struct Proxied {
    pub(crate) proxy: Proxy,
    pub(crate) instance: component::Instance,
    /// Of the code that it is an instance of.
    pub(crate) resets: Option<Arc<Resets>>,
    /// What resets it, once it was reset.
    pub(crate) parts: Option<Parts>,
}

/// What is to be an image, with its store; nothing if none can be made now.
pub(crate) type New<'a> = BoxFuture<'a, Option<(Store<State>, Proxied)>>;

/// An instance that was never called, as a pattern for others.
struct Image {
    parts: Parts,
    _berth: Berth,
    /// Bytes of memory and elements of tables that an instance begins with.
    sizes: (u64, usize),
    /// What its memories belong to.
    _store: Mutex<Store<State>>,
}

impl Image {
    /// Of a unit, or none if its instances do not all begin alike.
    async fn of((mut store, made): (Store<State>, Proxied), berth: Berth) -> Option<Self> {
        let resets = made.resets.as_ref()?;
        if store.data().is_touched {
            return None;
        }
        let parts = Parts::of(&mut store, &made.instance, resets).await.ok()?;
        parts.act(&mut store, Act::Compare).await.ok()?;
        store.data_mut().meter.rest();
        let sizes = store.data().meter.sizes();
        Some(Self { parts, _berth: berth, sizes, _store: Mutex::new(store) })
    }
}

/// What is known of a unit's image.
enum Known {
    /// Nothing yet.
    Nothing,
    /// Somebody makes it.
    Making,
    /// Its instances are not reset.
    Unfit,
    Image(Arc<Image>),
}

/// The instances of a unit that are as new, and wait for a request.
pub(crate) struct Spares {
    known: Mutex<Known>,
    /// Requests that are answered in new instances before there is an image.
    calls_before: AtomicU32,
    failures: AtomicU32,
    shelves: Shelves,
}

impl fmt::Debug for Spares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spares").field("shelves", &self.shelves).finish_non_exhaustive()
    }
}

/// An instance that is as new, with its store.
pub(crate) struct Spare {
    pub(crate) store: Store<State>,
    pub(crate) made: Proxied,
    _berth: Berth,
    since: Instant,
}

/// Why an instance was not reset.
enum Unfit {
    /// It is not in a state from which it can be, because of this.
    Now(&'static str),
    /// It was, and is not as it should be.
    Inexact,
}

impl From<wasmtime::Error> for Unfit {
    fn from(_: wasmtime::Error) -> Self {
        Self::Now("it failed")
    }
}

impl Spares {
    /// None yet.
    /// Of a unit of which each instance has so many memories.
    pub(crate) fn new(resetter: &Resetter, memories: u64) -> Arc<Self> {
        let spares = Arc::new(Self {
            known: Mutex::new(Known::Nothing),
            calls_before: AtomicU32::new(CALLS_BEFORE),
            failures: AtomicU32::new(0),
            shelves: Shelves::new(resetter.parking, memories),
        });
        resetter.parking.join(&spares);
        spares
    }

    /// One of them, if there is one.
    pub(crate) fn take(&self) -> Option<Spare> {
        let mut spare = self.shelves.take()?;
        let state = spare.store.data_mut();
        // If memory has become scarce, a new one cannot be had either, and says so.
        state.meter.resume().ok()?;
        spare.store.set_epoch_deadline(1);
        Some(spare)
    }

    /// Makes room for an instance that is made otherwise: together there are only as many as the pool holds.
    pub(crate) fn drop_one(&self) {
        drop(self.shelves.take());
    }

    /// Resets an instance of the unit of this name that has come to a good end, and keeps it, or drops it.
    /// `new` makes another one, if an image is needed.
    pub(crate) async fn keep<'a>(
        &self,
        name: &str,
        resetter: &Resetter,
        (mut store, mut made): (Store<State>, Proxied),
        new: impl FnOnce() -> New<'a> + Send,
    ) {
        let Some(image) = self.image(new).await else { return };
        match self.reset(resetter, &mut store, &mut made, &image).await {
            Ok(bytes) => {
                self.failures.store(0, Relaxed);
                store.data_mut().meter.rest();
                // It may have turned out meanwhile that they are not to be reset.
                let is_in_use = matches!(&*self.known(), Known::Image(_));
                if is_in_use && let Some(berth) = self.shelves.berth(bytes as u64) {
                    self.shelves.put(Spare { store, made, _berth: berth, since: Instant::now() });
                }
            }
            Err(Unfit::Now(reason)) => {
                tracing::debug!("{name}: an instance is not reset: {reason}");
                if self.failures.fetch_add(1, Relaxed) + 1 >= MAX_FAILURES {
                    self.failures.store(0, Relaxed);
                    self.begin_again_after(CALLS_OF_REST);
                }
            }
            Err(Unfit::Inexact) => {
                tracing::error!(
                    "{name}: an instance was not reset exactly. Its unit gets new instances from now \
                     on; please report this as a bug of Keyway"
                );
                debug_assert!(false, "an instance was not reset exactly");
                *self.known() = Known::Unfit;
                self.shelves.clear();
            }
        }
    }

    /// Puts the instance back, and returns how many bytes of its memory it had written to.
    async fn reset(
        &self,
        resetter: &Resetter,
        store: &mut Store<State>,
        made: &mut Proxied,
        image: &Image,
    ) -> Result<usize, Unfit> {
        store.set_epoch_deadline(1);
        if made.parts.is_none() {
            let resets = made.resets.as_ref().ok_or(Unfit::Now("nothing resets it"))?;
            made.parts = Some(Parts::of(store, &made.instance, resets).await?);
        }
        let Some(parts) = &made.parts else { return Err(Unfit::Now("it has no parts")) };
        // What the instance did not drop is dropped here, which the host takes part in.
        store.data_mut().is_ending = true;
        parts.act(store, Act::Reset).await?;
        store.data_mut().renew();
        if store.data().meter.sizes() != image.sizes {
            return Err(Unfit::Now("it has another size"));
        }
        let mut bytes = 0;
        for (part, of_image) in parts.0.iter().zip(&image.parts.0) {
            if !part.memory.is_as_large_as(of_image.memory) {
                return Err(Unfit::Now("its memory has another size"));
            }
            #[expect(unsafe_code, reason = "the memory of an instance, argued below")]
            // SAFETY: the stores of both instances exist, and are different ones. This one is borrowed
            // here, so that nothing runs in it and the engine has no reference to its memory; nobody
            // else knows its address. It is as large as it was, as its components have just said. The
            // image's memory does not change.
            let written = unsafe { part.memory.restore(of_image.memory, &resetter.pages) };
            bytes += written.map_err(|_| Unfit::Now("the kernel does not say what it wrote"))?;
        }
        if resetter.compares && !is_as_new(store, parts, image).await {
            return Err(Unfit::Inexact);
        }
        if bytes > MAX_WRITTEN_BYTES {
            return Err(Unfit::Now("it has written to too much memory"));
        }
        Ok(bytes)
    }

    /// The image, which is made if it is worth the while.
    async fn image<'a>(&self, new: impl FnOnce() -> New<'a> + Send) -> Option<Arc<Image>> {
        let making = {
            let mut known = self.known();
            match &*known {
                Known::Image(image) => return Some(Arc::clone(image)),
                Known::Making | Known::Unfit => return None,
                Known::Nothing => {}
            }
            let one_less = |calls: u32| calls.checked_sub(1);
            if self.calls_before.fetch_update(Relaxed, Relaxed, one_less).is_ok() {
                return None;
            }
            *known = Known::Making;
            Making(self)
        };
        // Without room for it now, it is tried again later.
        let berth = self.shelves.berth(0)?;
        let image = Image::of(new().await?, berth).await.map(Arc::new);
        std::mem::forget(making);
        *self.known() = image.clone().map_or(Known::Unfit, Known::Image);
        image
    }

    /// Gives back the image and all instances, until some requests were answered without.
    fn begin_again_after(&self, calls: u32) {
        let old = {
            let mut known = self.known();
            match &*known {
                Known::Making | Known::Unfit => return,
                Known::Nothing | Known::Image(_) => std::mem::replace(&mut *known, Known::Nothing),
            }
        };
        self.calls_before.store(calls, Relaxed);
        self.shelves.clear();
        // Its memory goes with it, unless an instance is being reset.
        drop(old);
    }

    /// Gives back what was not used for long.
    fn clear(&self) {
        self.begin_again_after(CALLS_BEFORE);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the instance is as the image is, by all that it can see.
async fn is_as_new(store: &mut Store<State>, parts: &Parts, image: &Image) -> bool {
    let globals_and_handles = parts.act(store, Act::Compare).await.is_ok();
    let mut memories = parts.0.iter().zip(&image.parts.0);
    globals_and_handles
        && memories.all(|(part, of_image)| {
            #[expect(unsafe_code, reason = "the memory of instances, argued below")]
            // SAFETY: both exist, as their stores do, and are equally large. Nothing runs in them.
            unsafe {
                part.memory.equals(of_image.memory)
            }
        })
}

/// If the making of an image is cancelled, another may make it.
struct Making<'a>(&'a Spares);

impl Drop for Making<'_> {
    fn drop(&mut self) {
        *self.0.known() = Known::Nothing;
    }
}
