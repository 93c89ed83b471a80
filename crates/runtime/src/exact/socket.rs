//! `wasi:sockets/types` 0.3: a TCP socket that failed to connect is closed, and says so, while
//! wasmtime repeats the error that closed it; and a connecting socket knows the address that it is
//! bound to.

use std::collections::BTreeMap;

use wasmtime::{
    StoreContextMut,
    component::{
        Access, Accessor, FutureReader, LinkerInstance, Resource, ResourceType, StreamReader,
    },
};
use wasmtime_wasi::{
    p3::bindings::sockets::types::{
        ErrorCode, HostTcpSocket, HostTcpSocketWithStore, IpSocketAddress, TcpSocket,
    },
    sockets::{WasiSockets, WasiSocketsCtxView},
};

use super::or_code;
use crate::state::State;

/// Finds the sockets of the component whose interface it is.
pub(super) type View = fn(&mut State) -> WasiSocketsCtxView<'_>;
type Socket = Resource<TcpSocket>;
type Bytes = (StreamReader<u8>, FutureReader<Result<(), ErrorCode>>);

/// What is remembered of an instance's TCP sockets of 0.3 beside what wasmtime does, by their place
/// in its table.
#[derive(Default)]
pub(crate) struct Notes(BTreeMap<u32, Note>);

#[derive(Default)]
struct Note {
    /// The address that it was bound to.
    bound: Option<IpSocketAddress>,
    /// Whether it could not connect, after which nothing can be done with it.
    has_failed: bool,
}

impl Notes {
    fn of(&mut self, socket: &Socket) -> &mut Note {
        self.0.entry(socket.rep()).or_default()
    }

    fn has_failed(&self, socket: &Socket) -> bool {
        self.0.get(&socket.rep()).is_some_and(|note| note.has_failed)
    }
}

pub(super) fn mend(target: &mut LinkerInstance<'_, State>, view: View) -> wasmtime::Result<()> {
    mend_life(target, view)?;
    mend_options(target, view)?;
    target.func_wrap(
        "[method]tcp-socket.receive",
        move |store: StoreContextMut<'_, State>, (socket,): (Socket,)| {
            Ok((receive(store, socket, view)?,))
        },
    )?;
    target.func_wrap(
        "[method]tcp-socket.send",
        move |store: StoreContextMut<'_, State>, (socket, data): (Socket, StreamReader<u8>)| {
            Ok((send(store, socket, data, view)?,))
        },
    )
}

/// From the creation of a socket to its end.
fn mend_life(target: &mut LinkerInstance<'_, State>, view: View) -> wasmtime::Result<()> {
    target.resource(
        "tcp-socket",
        ResourceType::host::<TcpSocket>(),
        move |mut store: StoreContextMut<'_, State>, place| {
            store.data_mut().sockets.0.remove(&place);
            HostTcpSocket::drop(&mut view(store.data_mut()), Resource::new_own(place))
        },
    )?;
    target.func_wrap_async(
        "[method]tcp-socket.bind",
        move |mut store: StoreContextMut<'_, State>, (socket, to): (Socket, IpSocketAddress)| {
            Box::new(async move {
                let same = Resource::new_borrow(socket.rep());
                let mut sockets = view(store.data_mut());
                let bound = or_code(HostTcpSocket::bind(&mut sockets, socket, to).await)?;
                if bound.is_ok()
                    && let Ok(address) =
                        HostTcpSocket::get_local_address(&mut sockets, borrowed(&same))
                {
                    store.data_mut().sockets.of(&same).bound = Some(address);
                }
                Ok((bound,))
            })
        },
    )?;
    target.func_wrap_concurrent(
        "[method]tcp-socket.connect",
        move |store, (socket, to): (Socket, IpSocketAddress)| {
            Box::pin(async move { Ok((connect(store, socket, to, view).await?,)) })
        },
    )?;
    target.func_wrap(
        "[method]tcp-socket.get-local-address",
        move |mut store: StoreContextMut<'_, State>, (socket,): (Socket,)| {
            let notes = &mut store.data_mut().sockets;
            if notes.has_failed(&socket) {
                return Ok((Err(ErrorCode::InvalidState),));
            }
            let bound = notes.0.get(&socket.rep()).and_then(|note| note.bound);
            let mut sockets = view(store.data_mut());
            let address = or_code(HostTcpSocket::get_local_address(&mut sockets, socket))?;
            Ok((match (address, bound) {
                // wasmtime gives its socket away while it connects.
                (Err(ErrorCode::InvalidState), Some(bound)) => Ok(bound),
                (address, _) => address,
            },))
        },
    )
}

async fn connect(
    store: &Accessor<State>,
    socket: Socket,
    to: IpSocketAddress,
    view: View,
) -> wasmtime::Result<Result<(), ErrorCode>> {
    let same: Socket = Resource::new_borrow(socket.rep());
    let sockets = store.with_getter::<WasiSockets>(view);
    let connected = or_code(
        <WasiSockets as HostTcpSocketWithStore<State>>::connect(&sockets, socket, to).await,
    )?;
    if let Err(code) = &connected {
        store.with(|mut store| {
            let state = store.get();
            // Where the arguments were wrong, it is as it was; so it is where it was connecting or
            // connected already.
            let is_as_it_was = matches!(code, ErrorCode::InvalidState)
                || HostTcpSocket::get_hop_limit(&mut view(state), borrowed(&same)).is_ok();
            if !is_as_it_was {
                state.sockets.of(&same).has_failed = true;
            }
        });
    }
    Ok(connected)
}

fn borrowed(socket: &Socket) -> Socket {
    Resource::new_borrow(socket.rep())
}

/// Addresses and options, of which a socket that could not connect has none.
fn mend_options(target: &mut LinkerInstance<'_, State>, view: View) -> wasmtime::Result<()> {
    macro_rules! mend {
        ($name:literal, $function:ident() -> $result:ty) => {
            target.func_wrap(
                concat!("[method]tcp-socket.", $name),
                move |mut store: StoreContextMut<'_, State>, (socket,): (Socket,)| {
                    if store.data().sockets.has_failed(&socket) {
                        return Ok((Err(ErrorCode::InvalidState),));
                    }
                    let mut sockets = view(store.data_mut());
                    let result = sockets.$function(socket);
                    Ok((or_code::<$result, _>(result)?,))
                },
            )?;
        };
        ($name:literal, $function:ident($value:ty)) => {
            target.func_wrap(
                concat!("[method]tcp-socket.", $name),
                move |mut store: StoreContextMut<'_, State>, (socket, value): (Socket, $value)| {
                    if store.data().sockets.has_failed(&socket) {
                        return Ok((Err(ErrorCode::InvalidState),));
                    }
                    let mut sockets = view(store.data_mut());
                    let result = sockets.$function(socket, value);
                    Ok((or_code(result)?,))
                },
            )?;
        };
    }
    mend!("get-remote-address", get_remote_address() -> IpSocketAddress);
    mend!("get-keep-alive-enabled", get_keep_alive_enabled() -> bool);
    mend!("get-keep-alive-idle-time", get_keep_alive_idle_time() -> u64);
    mend!("get-keep-alive-interval", get_keep_alive_interval() -> u64);
    mend!("get-keep-alive-count", get_keep_alive_count() -> u32);
    mend!("get-hop-limit", get_hop_limit() -> u8);
    mend!("get-receive-buffer-size", get_receive_buffer_size() -> u64);
    mend!("get-send-buffer-size", get_send_buffer_size() -> u64);
    mend!("set-keep-alive-enabled", set_keep_alive_enabled(bool));
    mend!("set-keep-alive-idle-time", set_keep_alive_idle_time(u64));
    mend!("set-keep-alive-interval", set_keep_alive_interval(u64));
    mend!("set-keep-alive-count", set_keep_alive_count(u32));
    mend!("set-hop-limit", set_hop_limit(u8));
    mend!("set-receive-buffer-size", set_receive_buffer_size(u64));
    mend!("set-send-buffer-size", set_send_buffer_size(u64));
    mend!("set-listen-backlog-size", set_listen_backlog_size(u64));
    Ok(())
}

type Store<'a> = Access<'a, State, WasiSockets>;

fn receive(
    store: StoreContextMut<'_, State>,
    socket: Socket,
    view: View,
) -> wasmtime::Result<Bytes> {
    let has_failed = store.data().sockets.has_failed(&socket);
    let mut store = Store::new(store, view);
    if !has_failed {
        return <WasiSockets as HostTcpSocketWithStore<State>>::receive(store, socket);
    }
    let nothing = StreamReader::new(&mut store, std::iter::empty())?;
    Ok((nothing, invalid_state(&mut store)?))
}

fn send(
    store: StoreContextMut<'_, State>,
    socket: Socket,
    mut data: StreamReader<u8>,
    view: View,
) -> wasmtime::Result<FutureReader<Result<(), ErrorCode>>> {
    let has_failed = store.data().sockets.has_failed(&socket);
    let mut store = Store::new(store, view);
    if !has_failed {
        return <WasiSockets as HostTcpSocketWithStore<State>>::send(store, socket, data);
    }
    data.close(&mut store)?;
    invalid_state(&mut store)
}

fn invalid_state(store: &mut Store<'_>) -> wasmtime::Result<FutureReader<Result<(), ErrorCode>>> {
    FutureReader::new(store, async { wasmtime::error::Ok(Err(ErrorCode::InvalidState)) })
}
