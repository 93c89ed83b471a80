//! `wasi:blobstore`: the containers that a component is linked to. Objects are streamed both ways.

mod incoming;
mod outgoing;

use std::{collections::VecDeque, sync::Arc, time::SystemTime};

use keyway_capability::{
    Outage,
    blobstore::{Blobs, Error, ObjectId, copy_across},
};
use keyway_word::{Capability, DEFAULT};
use wasmtime::component::Resource;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};

use super::{
    import::{Import, Target},
    view::ViewOf,
};
use crate::state::{State, view};
use incoming::Input;

#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub use incoming::Incoming;
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub use outgoing::Outgoing;

/// By which links to containers are written.
const INTERFACE: &str = "wasi:blobstore/blobstore";

mod draft {
    wasmtime::component::bindgen!({
        path: "../../wit/wasi-blobstore-0.2.0-draft",
        world: "wasi:blobstore/imports",
        imports: { default: async | trappable },
        with: {
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "wasi:blobstore/types.outgoing-value": super::Outgoing,
            "wasi:blobstore/types.incoming-value": super::Incoming,
            "wasi:blobstore/container.container": super::Container,
            "wasi:blobstore/container.stream-object-names": super::Names,
        },
    });
    pub(super) use wasi::blobstore::*;
}

use draft::{blobstore, container, types};

/// Names on a page of the backend's.
const PAGE: usize = 1000;

/// Names that are read at once. A caller that wants more gets these, and asks again.
const MAX_NAMES: u64 = 10_000;

/// Lays the host's functions for an interface of `wasi:blobstore` over `target`, with the links of
/// the component whose import it is. What is not known stays as it is: denied.
pub(super) fn bind(target: &mut Target<'_>, import: Import<'_>) -> wasmtime::Result<()> {
    let view = view::of::<HasBlobs>(import.slot);
    macro_rules! bind {
        ($interface:ident) => {
            $interface::add_to_linker_instance::<State, HasBlobs>(target, view)
        };
    }
    match import.interface {
        "wasi:blobstore/blobstore@0.2.0-draft" => bind!(blobstore),
        "wasi:blobstore/container@0.2.0-draft" => bind!(container),
        "wasi:blobstore/types@0.2.0-draft" => bind!(types),
        _ => Ok(()),
    }
}

/// The capability: containers of objects.
pub(crate) enum Containers {}

type HasBlobs = ViewOf<Containers>;
type View<'a> = super::view::View<'a, Containers>;

/// A container that was opened.
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub struct Container {
    blobs: Arc<dyn Blobs>,
    name: String,
}

/// The names of a container's objects, as far as they were read.
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub struct Names {
    blobs: Arc<dyn Blobs>,
    container: String,
    read: VecDeque<String>,
    /// Where the next page begins; none after the last.
    next: Option<Option<String>>,
}

/// A function's outcome, and an end of the instance outside of it.
type Answer<T> = wasmtime::Result<Result<T, String>>;

impl View<'_> {
    /// Where a container is, by the component's links.
    fn blobs(&self, container: &str) -> Result<Arc<dyn Blobs>, String> {
        let denied = || format!("no container `{container}` is granted");
        let member = self.member.ok_or_else(denied)?;
        let linked = |name: &str| {
            member.principal.linked::<Arc<dyn Blobs>>(Capability::Blobstore, name).cloned()
        };
        linked(container).or_else(|| linked(DEFAULT)).ok_or_else(|| {
            member.report_link(Capability::Blobstore, INTERFACE, container);
            denied()
        })
    }

    /// A failure in the interface's words, which are the error's own. What the component can do
    /// nothing about, the log tells once.
    fn say(&self, error: &Error) -> String {
        let text = error.to_string();
        match (error, self.member) {
            (Error::ReadOnly { .. }, Some(member)) => {
                member.report_read_only(Capability::Blobstore, INTERFACE);
            }
            (
                Error::NoSuchStore { .. } | Error::Outage(Outage::AccessDenied { .. }),
                Some(member),
            ) => {
                member.warn(&text);
            }
            _ => {}
        }
        text
    }

    fn answer<T>(&self, outcome: Result<T, Error>) -> Answer<T> {
        Ok(outcome.map_err(|error| self.say(&error)))
    }

    /// Opens a container without looking whether it is there.
    fn open(&mut self, blobs: Arc<dyn Blobs>, name: String) -> Answer<Resource<Container>> {
        Ok(Ok(self.table.push(Container { blobs, name })?))
    }

    fn container(
        &self,
        container: &Resource<Container>,
    ) -> wasmtime::Result<(Arc<dyn Blobs>, String)> {
        let container = self.table.get(container)?;
        Ok((Arc::clone(&container.blobs), container.name.clone()))
    }
}

/// What an object in another place is called.
fn id(object: &types::ObjectId) -> ObjectId<'_> {
    ObjectId { container: &object.container, name: &object.object }
}

/// Seconds since 1970. The interface leaves open what it counts.
fn timestamp(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// The value of a `Result`, or an answer that is the error.
macro_rules! answered {
    ($outcome:expr) => {
        match $outcome {
            Ok(value) => value,
            Err(error) => return Ok(Err(error)),
        }
    };
}

impl blobstore::Host for View<'_> {
    async fn create_container(&mut self, name: String) -> Answer<Resource<Container>> {
        let blobs = answered!(self.blobs(&name));
        answered!(blobs.create_container(&name).await.map_err(|error| self.say(&error)));
        self.open(blobs, name)
    }

    async fn get_container(&mut self, name: String) -> Answer<Resource<Container>> {
        let blobs = answered!(self.blobs(&name));
        let info = blobs.container_info(&name).await;
        match answered!(info.map_err(|error| self.say(&error))) {
            Some(_) => self.open(blobs, name),
            None => {
                let at = blobs.origin();
                Ok(Err(self.say(&Error::NoSuchContainer { at, container: name })))
            }
        }
    }

    async fn delete_container(&mut self, name: String) -> Answer<()> {
        let blobs = answered!(self.blobs(&name));
        let done = blobs.delete_container(&name).await;
        self.answer(done)
    }

    async fn container_exists(&mut self, name: String) -> Answer<bool> {
        let blobs = answered!(self.blobs(&name));
        let done = blobs.container_info(&name).await.map(|info| info.is_some());
        self.answer(done)
    }

    async fn copy_object(&mut self, src: types::ObjectId, dest: types::ObjectId) -> Answer<()> {
        let source = answered!(self.blobs(&src.container));
        let target = answered!(self.blobs(&dest.container));
        let (from, to) = (id(&src), id(&dest));
        let copied = if Arc::ptr_eq(&source, &target) {
            source.copy(from, to).await
        } else {
            copy_across(&*source, from, &*target, to).await
        };
        self.answer(copied)
    }

    async fn move_object(&mut self, src: types::ObjectId, dest: types::ObjectId) -> Answer<()> {
        let source = answered!(self.blobs(&src.container));
        let target = answered!(self.blobs(&dest.container));
        let (from, to) = (id(&src), id(&dest));
        if Arc::ptr_eq(&source, &target) {
            let moved = source.rename(from, to).await;
            return self.answer(moved);
        }
        let copied = copy_across(&*source, from, &*target, to).await;
        answered!(copied.map_err(|error| self.say(&error)));
        let deleted = source.delete(from.container, &[from.name.to_owned()]).await;
        self.answer(deleted)
    }
}

impl container::Host for View<'_> {}

impl container::HostContainer for View<'_> {
    async fn name(&mut self, this: Resource<Container>) -> Answer<String> {
        Ok(Ok(self.table.get(&this)?.name.clone()))
    }

    async fn info(&mut self, this: Resource<Container>) -> Answer<container::ContainerMetadata> {
        let (blobs, name) = self.container(&this)?;
        let info = answered!(blobs.container_info(&name).await.map_err(|error| self.say(&error)));
        Ok(match info {
            Some(info) => {
                Ok(container::ContainerMetadata { name, created_at: timestamp(info.created) })
            }
            None => Err(self.say(&Error::NoSuchContainer { at: blobs.origin(), container: name })),
        })
    }

    async fn get_data(
        &mut self,
        this: Resource<Container>,
        name: String,
        start: u64,
        end: u64,
    ) -> Answer<Resource<Incoming>> {
        let (blobs, container) = self.container(&this)?;
        if end < start {
            let text = format!("the part of `{name}` from {start} to {end} ends before it begins");
            return Ok(Err(text));
        }
        let object = ObjectId { container: &container, name: &name };
        let reading = blobs.read(object, start..=end).await;
        let reading = answered!(reading.map_err(|error| self.say(&error)));
        Ok(Ok(self.table.push(Incoming(reading))?))
    }

    async fn write_data(
        &mut self,
        this: Resource<Container>,
        name: String,
        data: Resource<Outgoing>,
    ) -> Answer<()> {
        let (blobs, container) = self.container(&this)?;
        let outgoing = self.table.get(&data)?.clone();
        let object = ObjectId { container: &container, name: &name };
        Ok(match outgoing.write_to(&*blobs, object).await {
            Ok(()) => Ok(()),
            Err(outgoing::Refused::Twice) => Err(
                "a value can be written to one object only, and this one already has its object"
                    .to_owned(),
            ),
            Err(outgoing::Refused::Backend(error)) => Err(self.say(&error)),
        })
    }

    async fn list_objects(&mut self, this: Resource<Container>) -> Answer<Resource<Names>> {
        let (blobs, container) = self.container(&this)?;
        let mut names = Names { blobs, container, read: VecDeque::new(), next: Some(None) };
        // The first page now, which also tells whether there is such a container.
        answered!(names.turn().await.map_err(|error| self.say(&error)));
        Ok(Ok(self.table.push(names)?))
    }

    async fn delete_object(&mut self, this: Resource<Container>, name: String) -> Answer<()> {
        self.delete_objects(this, vec![name]).await
    }

    async fn delete_objects(
        &mut self,
        this: Resource<Container>,
        names: Vec<String>,
    ) -> Answer<()> {
        let (blobs, container) = self.container(&this)?;
        let done = blobs.delete(&container, &names).await;
        self.answer(done)
    }

    async fn has_object(&mut self, this: Resource<Container>, name: String) -> Answer<bool> {
        let (blobs, container) = self.container(&this)?;
        let info = blobs.info(ObjectId { container: &container, name: &name }).await;
        self.answer(info.map(|info| info.is_some()))
    }

    async fn object_info(
        &mut self,
        this: Resource<Container>,
        name: String,
    ) -> Answer<container::ObjectMetadata> {
        let (blobs, container) = self.container(&this)?;
        let info = blobs.info(ObjectId { container: &container, name: &name }).await;
        Ok(match answered!(info.map_err(|error| self.say(&error))) {
            Some(info) => Ok(container::ObjectMetadata {
                name,
                container,
                created_at: timestamp(info.created),
                size: info.bytes,
            }),
            None => {
                Err(self.say(&Error::NoSuchObject { at: blobs.origin(), container, object: name }))
            }
        })
    }

    async fn clear(&mut self, this: Resource<Container>) -> Answer<()> {
        let (blobs, container) = self.container(&this)?;
        let done = blobs.clear(&container, "").await;
        self.answer(done)
    }

    async fn drop(&mut self, this: Resource<Container>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl Names {
    /// Reads the next page, if there is one.
    async fn turn(&mut self) -> Result<(), Error> {
        let Some(cursor) = self.next.clone() else { return Ok(()) };
        let page = self.blobs.list(&self.container, "", cursor.as_deref(), PAGE).await?;
        self.read.extend(page.objects.into_iter().map(|object| object.name));
        self.next = page.cursor.map(Some);
        Ok(())
    }

    /// Takes up to `count` names, and tells whether these were the last.
    async fn take(&mut self, count: u64) -> Result<(Vec<String>, bool), Error> {
        let count = usize::try_from(count.min(MAX_NAMES)).unwrap_or(usize::MAX);
        // One more, to know whether there is one.
        while self.read.len() <= count && self.next.is_some() {
            self.turn().await?;
        }
        let taken = self.read.drain(..count.min(self.read.len())).collect();
        Ok((taken, self.read.is_empty()))
    }
}

impl container::HostStreamObjectNames for View<'_> {
    async fn read_stream_object_names(
        &mut self,
        this: Resource<Names>,
        len: u64,
    ) -> Answer<(Vec<String>, bool)> {
        let taken = self.table.get_mut(&this)?.take(len).await;
        self.answer(taken)
    }

    async fn skip_stream_object_names(
        &mut self,
        this: Resource<Names>,
        num: u64,
    ) -> Answer<(u64, bool)> {
        let mut skipped = 0;
        loop {
            let taken = self.table.get_mut(&this)?.take(num - skipped).await;
            let (names, is_end) = answered!(taken.map_err(|error| self.say(&error)));
            skipped += names.len() as u64;
            if is_end || skipped == num {
                return Ok(Ok((skipped, is_end)));
            }
        }
    }

    async fn drop(&mut self, this: Resource<Names>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl types::Host for View<'_> {}

impl types::HostOutgoingValue for View<'_> {
    async fn new_outgoing_value(&mut self) -> wasmtime::Result<Resource<Outgoing>> {
        let writing = Arc::strong_count(&self.held.writes) - 1;
        if writing >= outgoing::MAX_WRITES {
            wasmtime::bail!("an instance writes at most {writing} values at once");
        }
        Ok(self.table.push(Outgoing::new(Arc::clone(&self.held.writes)))?)
    }

    async fn outgoing_value_write_body(
        &mut self,
        this: Resource<Outgoing>,
    ) -> wasmtime::Result<Result<Resource<DynOutputStream>, ()>> {
        let outgoing = self.table.get_mut(&this)?;
        let Some(stream) = outgoing.stream() else { return Ok(Err(())) };
        let stream: DynOutputStream = Box::new(stream);
        // The value cannot be finished while its stream is open.
        Ok(Ok(self.table.push_child(stream, &this)?))
    }

    async fn finish(&mut self, this: Resource<Outgoing>) -> Answer<()> {
        let outgoing = self.table.delete(this)?;
        Ok(match outgoing.finish().await {
            Ok(()) => Ok(()),
            Err(outgoing::Unfinished::NoObject) => {
                Err("the value has no object: call `write-data` before `finish`".to_owned())
            }
            Err(outgoing::Unfinished::Told) => {
                Err("the object was not written: its stream reported why".to_owned())
            }
            Err(outgoing::Unfinished::Backend(error)) => Err(self.say(&error)),
        })
    }

    async fn drop(&mut self, this: Resource<Outgoing>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl types::HostIncomingValue for View<'_> {
    async fn incoming_value_consume_sync(&mut self, this: Resource<Incoming>) -> Answer<Vec<u8>> {
        let incoming = self.table.delete(this)?;
        Ok(match incoming.read_all(self.held.at_most_bytes()).await {
            Ok(bytes) => Ok(bytes),
            Err(incoming::Unread::TooLong(bytes)) => Err(format!(
                "the value has {bytes} bytes, which is more than the component's memory; read it \
                 by `incoming-value-consume-async`"
            )),
            Err(incoming::Unread::Backend(error)) => Err(self.say(&error)),
        })
    }

    async fn incoming_value_consume_async(
        &mut self,
        this: Resource<Incoming>,
    ) -> Answer<Resource<DynInputStream>> {
        let incoming = self.table.delete(this)?;
        let stream: DynInputStream = Box::new(Input::new(incoming));
        Ok(Ok(self.table.push(stream)?))
    }

    async fn size(&mut self, this: Resource<Incoming>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&this)?.0.bytes)
    }

    async fn drop(&mut self, this: Resource<Incoming>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
