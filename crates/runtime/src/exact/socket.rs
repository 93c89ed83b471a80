//! `wasi:sockets/types` 0.3: a TCP socket whose connecting failed is closed, and says so, where
//! wasmtime repeats the error that closed it.

use wasmtime::{
    StoreContextMut,
    component::{Access, FutureReader, LinkerInstance, Resource, StreamReader},
};
use wasmtime_wasi::{
    p3::bindings::sockets::types::{
        ErrorCode, HostTcpSocket, HostTcpSocketWithStore, IpSocketAddress, TcpSocket,
    },
    sockets::{WasiSockets, WasiSocketsCtxView},
};

use crate::state::State;

/// Finds the sockets of the component whose interface it is.
pub(super) type View = fn(&mut State) -> WasiSocketsCtxView<'_>;
type Bytes = (StreamReader<u8>, FutureReader<Result<(), ErrorCode>>);

pub(super) fn mend(target: &mut LinkerInstance<'_, State>, view: View) -> wasmtime::Result<()> {
    macro_rules! mend {
        ($name:literal, $function:ident() -> $result:ty) => {
            target.func_wrap(
                concat!("[method]tcp-socket.", $name),
                move |mut store: StoreContextMut<'_, State>, (socket,): (Resource<TcpSocket>,)| {
                    let mut sockets = view(store.data_mut());
                    if is_closed(&mut sockets, &socket) {
                        return Ok((Err(ErrorCode::InvalidState),));
                    }
                    let result = sockets.$function(socket);
                    Ok((or_code::<$result>(result)?,))
                },
            )?;
        };
        ($name:literal, $function:ident($value:ty)) => {
            target.func_wrap(
                concat!("[method]tcp-socket.", $name),
                move |mut store: StoreContextMut<'_, State>,
                      (socket, value): (Resource<TcpSocket>, $value)| {
                    let mut sockets = view(store.data_mut());
                    if is_closed(&mut sockets, &socket) {
                        return Ok((Err(ErrorCode::InvalidState),));
                    }
                    let result = sockets.$function(socket, value);
                    Ok((or_code::<()>(result)?,))
                },
            )?;
        };
    }
    mend!("get-local-address", get_local_address() -> IpSocketAddress);
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
    target.func_wrap(
        "[method]tcp-socket.receive",
        move |store: StoreContextMut<'_, State>, (socket,): (Resource<TcpSocket>,)| {
            Ok((receive(access(store, view), socket)?,))
        },
    )?;
    target.func_wrap(
        "[method]tcp-socket.send",
        move |store: StoreContextMut<'_, State>,
              (socket, data): (Resource<TcpSocket>, StreamReader<u8>)| {
            Ok((send(access(store, view), socket, data)?,))
        },
    )
}

type Store<'a> = Access<'a, State, WasiSockets>;

fn access(store: StoreContextMut<'_, State>, view: View) -> Store<'_> {
    Access::<'_, State, WasiSockets>::new(store, view)
}

fn receive(mut store: Store<'_>, socket: Resource<TcpSocket>) -> wasmtime::Result<Bytes> {
    if !is_closed(&mut store.get(), &socket) {
        return <WasiSockets as HostTcpSocketWithStore<State>>::receive(store, socket);
    }
    let nothing = StreamReader::new(&mut store, std::iter::empty())?;
    Ok((nothing, invalid_state(&mut store)?))
}

fn send(
    mut store: Store<'_>,
    socket: Resource<TcpSocket>,
    mut data: StreamReader<u8>,
) -> wasmtime::Result<FutureReader<Result<(), ErrorCode>>> {
    if !is_closed(&mut store.get(), &socket) {
        return <WasiSockets as HostTcpSocketWithStore<State>>::send(store, socket, data);
    }
    data.close(&mut store)?;
    invalid_state(&mut store)
}

fn invalid_state(store: &mut Store<'_>) -> wasmtime::Result<FutureReader<Result<(), ErrorCode>>> {
    FutureReader::new(store, async { wasmtime::error::Ok(Err(ErrorCode::InvalidState)) })
}

/// Whether nothing can be done with a socket any more. Its option can be read in all other states
/// but while it connects, when nothing else can be done either.
fn is_closed(sockets: &mut WasiSocketsCtxView<'_>, socket: &Resource<TcpSocket>) -> bool {
    sockets.get_hop_limit(Resource::new_borrow(socket.rep())).is_err()
}

fn or_code<T>(
    result: Result<T, wasmtime_wasi::TrappableError<ErrorCode>>,
) -> wasmtime::Result<Result<T, ErrorCode>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => Ok(Err(error.downcast()?)),
    }
}
