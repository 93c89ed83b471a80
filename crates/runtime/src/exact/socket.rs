//! `wasi:sockets/types` 0.3: a TCP socket that failed to connect is closed, and says so, while
//! wasmtime repeats the error that closed it; and a connecting socket knows the address that it is
//! bound to.

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

pub(super) fn override_in(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    override_life(target, view)?;
    override_options(target, view)?;
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
fn override_life(target: &mut LinkerInstance<'_, State>, view: View) -> wasmtime::Result<()> {
    target.resource(
        "tcp-socket",
        ResourceType::host::<TcpSocket>(),
        move |mut store: StoreContextMut<'_, State>, place| {
            store.data_mut().sockets.forget(place);
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
            let bound = notes.of(&socket).bound;
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
fn override_options(target: &mut LinkerInstance<'_, State>, view: View) -> wasmtime::Result<()> {
    macro_rules! overriding {
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
    overriding!("get-remote-address", get_remote_address() -> IpSocketAddress);
    overriding!("get-keep-alive-enabled", get_keep_alive_enabled() -> bool);
    overriding!("get-keep-alive-idle-time", get_keep_alive_idle_time() -> u64);
    overriding!("get-keep-alive-interval", get_keep_alive_interval() -> u64);
    overriding!("get-keep-alive-count", get_keep_alive_count() -> u32);
    overriding!("get-hop-limit", get_hop_limit() -> u8);
    overriding!("get-receive-buffer-size", get_receive_buffer_size() -> u64);
    overriding!("get-send-buffer-size", get_send_buffer_size() -> u64);
    overriding!("set-keep-alive-enabled", set_keep_alive_enabled(bool));
    overriding!("set-keep-alive-idle-time", set_keep_alive_idle_time(u64));
    overriding!("set-keep-alive-interval", set_keep_alive_interval(u64));
    overriding!("set-keep-alive-count", set_keep_alive_count(u32));
    overriding!("set-hop-limit", set_hop_limit(u8));
    overriding!("set-receive-buffer-size", set_receive_buffer_size(u64));
    overriding!("set-send-buffer-size", set_send_buffer_size(u64));
    overriding!("set-listen-backlog-size", set_listen_backlog_size(u64));
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
