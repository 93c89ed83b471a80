//! `wasi:messaging`: brokers that the component's links name, and messages that come by a trigger.

use std::{sync::Arc, time::Duration};

use keyway_capability::{
    Outage,
    messaging::{Broker, Error, Message as Content, Wanted},
};
use keyway_word::{Capability, DEFAULT};
use wasmtime::{
    Store,
    component::{InstancePre, Resource},
};

use super::{
    import::{Import, Target},
    refusal::BackendError,
    view::ViewOf,
};
use crate::state::{
    Charge, ROOT, State,
    view::{self, Viewed},
};

/// By which a link to a broker is suggested.
const INTERFACE: &str = "wasi:messaging/producer";

mod draft {
    wasmtime::component::bindgen!({
        path: "../../wit/wasi-messaging-0.2.0-draft",
        world: "wasi:messaging/messaging-request-reply",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "wasi:messaging/types.client": super::Client,
            "wasi:messaging/types.message": super::Message,
            "wasi:messaging/request-reply.request-options": super::RequestOptions,
        },
        trappable_error_type: { "wasi:messaging/types.error" => super::Refusal },
    });
    pub(super) use wasi::messaging::*;
}

use draft::{MessagingRequestReplyPre, producer, request_reply, types};

/// The overhead of an entry of metadata.
const ENTRY_BYTES: usize = size_of::<(String, String)>();

/// As many answers are waited for at most.
const MAX_REPLIES: u32 = 1000;

/// Lays the host's functions for an interface of `wasi:messaging` over `target`, with the links of
/// the component whose import it is. What is not known stays as it is: denied.
pub(super) fn bind(target: &mut Target<'_>, import: Import<'_>) -> wasmtime::Result<()> {
    let view = view::of::<HasBrokers>(import.slot);
    macro_rules! bind {
        ($interface:ident) => {
            $interface::add_to_linker_instance::<State, HasBrokers>(target, view)
        };
    }
    match import.interface {
        "wasi:messaging/types@0.2.0-draft" => bind!(types),
        "wasi:messaging/producer@0.2.0-draft" => bind!(producer),
        "wasi:messaging/request-reply@0.2.0-draft" => bind!(request_reply),
        _ => Ok(()),
    }
}

/// A unit that handles messages, ready to be instantiated.
pub(crate) struct Incoming(MessagingRequestReplyPre<State>);

impl Incoming {
    /// The handler of messages that the unit exports, if it does.
    pub(crate) fn find(pre: InstancePre<State>) -> Option<Self> {
        MessagingRequestReplyPre::new(pre).ok().map(Self)
    }

    /// Gives a message to a fresh instance, and returns what it says of it.
    pub(crate) async fn handle(
        &self,
        store: &mut Store<State>,
        content: Content,
        broker: Arc<dyn Broker>,
    ) -> wasmtime::Result<Result<(), String>> {
        let instance = self.0.instantiate_async(&mut *store).await?;
        let message = HasBrokers::view(store.data_mut(), ROOT).keep(content, Some(broker))?;
        let handler = instance.wasi_messaging_incoming_handler();
        let handled = handler.call_handle(store, message).await?;
        Ok(handled.map_err(|error| match error {
            types::Error::Timeout => "a time-out".to_owned(),
            types::Error::Connection(text) => format!("no connection: {text}"),
            types::Error::PermissionDenied(text) => format!("no permission: {text}"),
            types::Error::Other(text) => text,
        }))
    }
}

/// The capability: brokers of messages.
pub(crate) enum Brokers {}

type HasBrokers = ViewOf<Brokers>;
type View<'a> = super::view::View<'a, Brokers>;

/// A broker that was connected to.
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub struct Client(Arc<dyn Broker>);

/// A message, and the broker that it came by if it did.
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub struct Message {
    content: Content,
    broker: Option<Arc<dyn Broker>>,
    charge: Charge,
}

/// How long is waited for answers, and for how many.
#[derive(Clone, Copy, Default)]
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub struct RequestOptions {
    timeout: Option<Duration>,
    replies: Option<u32>,
}

/// Why a call did not do what it was to do.
#[expect(unreachable_pub, reason = "the bindings make types of their own of it")]
pub type Refusal = super::refusal::Refusal<Error>;

impl BackendError for Error {}

impl types::Host for View<'_> {
    fn convert_error(&mut self, refusal: Refusal) -> wasmtime::Result<types::Error> {
        let error = match refusal {
            Refusal::NotGranted(name) => {
                let text = format!("no broker `{name}` is granted");
                return Ok(types::Error::PermissionDenied(text));
            }
            Refusal::Wrong(reason) => return Ok(types::Error::Other(reason)),
            Refusal::Failed(error) => error,
            Refusal::Handle(error) => return Err(error.into()),
            Refusal::Held(error) => return Err(error),
        };
        let text = error.to_string();
        Ok(match error {
            Error::Outage(Outage::TimedOut { .. }) | Error::NoReply { .. } => types::Error::Timeout,
            Error::Outage(Outage::Unreachable { .. }) => types::Error::Connection(text),
            Error::Outage(Outage::AccessDenied { .. }) | Error::NoSuchStream { .. } => {
                // The component can do nothing about that.
                if let Some(member) = self.member {
                    member.warn(&text);
                }
                types::Error::PermissionDenied(text)
            }
            _ => types::Error::Other(text),
        })
    }
}

impl types::HostClient for View<'_> {
    async fn connect(&mut self, name: String) -> Result<Resource<Client>, Refusal> {
        let asked = if name.is_empty() { DEFAULT } else { &name };
        let broker = self.member.and_then(|member| {
            member.principal.linked::<Arc<dyn Broker>>(Capability::Messaging, asked)
        });
        let Some(broker) = broker else {
            if let Some(member) = self.member {
                member.report_link(Capability::Messaging, INTERFACE, asked);
            }
            return Err(Refusal::NotGranted(asked.to_owned()));
        };
        Ok(self.table.push(Client(Arc::clone(broker)))?)
    }

    async fn disconnect(&mut self, _: Resource<Client>) -> Result<(), Refusal> {
        // The connection is all components', and is kept.
        Ok(())
    }

    async fn drop(&mut self, client: Resource<Client>) -> wasmtime::Result<()> {
        self.table.delete(client)?;
        Ok(())
    }
}

impl types::HostMessage for View<'_> {
    async fn new(&mut self, data: Vec<u8>) -> wasmtime::Result<Resource<Message>> {
        self.keep(Content { data: data.into(), ..Content::default() }, None)
    }

    async fn topic(&mut self, this: Resource<Message>) -> wasmtime::Result<Option<String>> {
        let topic = &self.table.get(&this)?.content.topic;
        Ok((!topic.is_empty()).then(|| topic.clone()))
    }

    async fn content_type(&mut self, this: Resource<Message>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&this)?.content.content_type.clone())
    }

    async fn set_content_type(
        &mut self,
        this: Resource<Message>,
        content_type: String,
    ) -> wasmtime::Result<()> {
        self.change(&this, |content| content.content_type = Some(content_type))
    }

    async fn data(&mut self, this: Resource<Message>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.table.get(&this)?.content.data.to_vec())
    }

    async fn set_data(&mut self, this: Resource<Message>, data: Vec<u8>) -> wasmtime::Result<()> {
        self.change(&this, |content| content.data = data.into())
    }

    async fn metadata(
        &mut self,
        this: Resource<Message>,
    ) -> wasmtime::Result<Option<Vec<(String, String)>>> {
        let metadata = &self.table.get(&this)?.content.metadata;
        Ok((!metadata.is_empty()).then(|| metadata.clone()))
    }

    async fn add_metadata(
        &mut self,
        this: Resource<Message>,
        key: String,
        value: String,
    ) -> wasmtime::Result<()> {
        self.change(&this, |Content { metadata, .. }| {
            metadata.retain(|(other, _)| *other != key);
            metadata.push((key, value));
        })
    }

    async fn set_metadata(
        &mut self,
        this: Resource<Message>,
        metadata: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        self.change(&this, |content| content.metadata = metadata)
    }

    async fn remove_metadata(
        &mut self,
        this: Resource<Message>,
        key: String,
    ) -> wasmtime::Result<()> {
        self.change(&this, |content| content.metadata.retain(|(other, _)| *other != key))
    }

    async fn drop(&mut self, this: Resource<Message>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl View<'_> {
    fn keep(
        &mut self,
        content: Content,
        broker: Option<Arc<dyn Broker>>,
    ) -> wasmtime::Result<Resource<Message>> {
        let charge = self.held.take(size(&content))?;
        Ok(self.table.push(Message { content, broker, charge })?)
    }

    fn change(
        &mut self,
        message: &Resource<Message>,
        change: impl FnOnce(&mut Content),
    ) -> wasmtime::Result<()> {
        let message = self.table.get_mut(message)?;
        change(&mut message.content);
        // What it took before is given back first.
        message.charge = self.held.take(0)?;
        message.charge = self.held.take(size(&message.content))?;
        Ok(())
    }

    fn broker(&self, client: &Resource<Client>) -> Result<Arc<dyn Broker>, Refusal> {
        Ok(Arc::clone(&self.table.get(client)?.0))
    }
}

/// The bytes that a message takes.
fn size(content: &Content) -> usize {
    let Content { topic, data, content_type, metadata, .. } = content;
    let metadata = metadata.iter().map(|(key, value)| key.len() + value.len() + ENTRY_BYTES);
    let content_type = content_type.as_ref().map_or(0, String::len);
    topic.len() + data.len() + content_type + metadata.sum::<usize>()
}

/// A message as it is sent on: not by the way that it came.
fn outgoing(content: Content) -> Content {
    Content { topic: String::new(), reply_to: None, ..content }
}

impl producer::Host for View<'_> {
    async fn send(
        &mut self,
        client: Resource<Client>,
        topic: String,
        message: Resource<Message>,
    ) -> Result<(), Refusal> {
        let message = self.table.delete(message)?;
        let broker = self.broker(&client)?;
        Ok(broker.send(&topic, outgoing(message.content)).await?)
    }
}

impl request_reply::HostRequestOptions for View<'_> {
    async fn new(&mut self) -> wasmtime::Result<Resource<RequestOptions>> {
        Ok(self.table.push(RequestOptions::default())?)
    }

    async fn set_timeout_ms(
        &mut self,
        this: Resource<RequestOptions>,
        timeout_ms: u32,
    ) -> wasmtime::Result<()> {
        self.table.get_mut(&this)?.timeout = Some(Duration::from_millis(timeout_ms.into()));
        Ok(())
    }

    async fn set_expected_replies(
        &mut self,
        this: Resource<RequestOptions>,
        expected_replies: u32,
    ) -> wasmtime::Result<()> {
        self.table.get_mut(&this)?.replies = Some(expected_replies);
        Ok(())
    }

    async fn drop(&mut self, this: Resource<RequestOptions>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl request_reply::Host for View<'_> {
    async fn request(
        &mut self,
        client: Resource<Client>,
        topic: String,
        message: Resource<Message>,
        options: Option<Resource<RequestOptions>>,
    ) -> Result<Vec<Resource<Message>>, Refusal> {
        let options = match options {
            Some(options) => self.table.delete(options)?,
            None => RequestOptions::default(),
        };
        let replies = options.replies.unwrap_or(1).clamp(1, MAX_REPLIES);
        let wanted = Wanted { timeout: options.timeout, replies: replies as usize };
        let content = outgoing(self.table.get(&message)?.content.clone());
        let broker = self.broker(&client)?;
        let replies = broker.request(&topic, content, wanted).await?;
        let mut handles = Vec::with_capacity(replies.len());
        for content in replies {
            let kept = self.keep(content, Some(Arc::clone(&broker)));
            handles.push(kept.map_err(Refusal::Held)?);
        }
        Ok(handles)
    }

    async fn reply(
        &mut self,
        reply_to: Resource<Message>,
        message: Resource<Message>,
    ) -> Result<(), Refusal> {
        let message = self.table.delete(message)?;
        let asked = self.table.get(&reply_to)?;
        let (Some(broker), Some(_)) = (asked.broker.clone(), &asked.content.reply_to) else {
            let reason = "no one is waiting for a reply to this message";
            return Err(Refusal::Wrong(reason.to_owned()));
        };
        Ok(broker.reply(&asked.content.clone(), outgoing(message.content)).await?)
    }
}
