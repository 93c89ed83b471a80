//! `wasi:sockets`: each socket is created with its own check, which knows where the socket is
//! bound, and only while guests may have more descriptors.

use wasmtime::{
    StoreContextMut,
    component::{LinkerInstance, Resource},
};
use wasmtime_wasi::p2::bindings::sockets::{
    network::{ErrorCode as ErrorCode_0_2, IpAddressFamily as Family_0_2},
    tcp::TcpSocket as TcpSocket_0_2,
    tcp_create_socket::Host as _,
    udp::UdpSocket as UdpSocket_0_2,
    udp_create_socket::Host as _,
};
use wasmtime_wasi::p3::bindings::sockets::types::{
    ErrorCode, HostTcpSocket, HostUdpSocket, IpAddressFamily, TcpSocket, UdpSocket,
};

use super::{or_code, socket::View};
use crate::{descriptor, state::State};

pub(super) fn override_tcp_0_2(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    target.func_wrap_async(
        "create-tcp-socket",
        move |mut store: StoreContextMut<'_, State>, (family,): (Family_0_2,)| {
            Box::new(async move {
                if descriptor::make_room().await.is_err() {
                    return Ok((Err(ErrorCode_0_2::NewSocketLimit),));
                }
                let made = view(store.data_mut()).create_tcp_socket(family);
                Ok((or_code::<Resource<TcpSocket_0_2>, _>(made)?,))
            })
        },
    )
}

pub(super) fn override_udp_0_2(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    target.func_wrap_async(
        "create-udp-socket",
        move |mut store: StoreContextMut<'_, State>, (family,): (Family_0_2,)| {
            Box::new(async move {
                if descriptor::make_room().await.is_err() {
                    return Ok((Err(ErrorCode_0_2::NewSocketLimit),));
                }
                let made = view(store.data_mut()).create_udp_socket(family).await;
                Ok((or_code::<Resource<UdpSocket_0_2>, _>(made)?,))
            })
        },
    )
}

pub(super) fn override_0_3(
    target: &mut LinkerInstance<'_, State>,
    view: View,
) -> wasmtime::Result<()> {
    let exhausted = |error: descriptor::Exhausted| ErrorCode::Other(Some(error.to_string()));
    target.func_wrap_async(
        "[static]tcp-socket.create",
        move |mut store: StoreContextMut<'_, State>, (family,): (IpAddressFamily,)| {
            Box::new(async move {
                if let Err(error) = descriptor::make_room().await {
                    return Ok((Err(exhausted(error)),));
                }
                let made = HostTcpSocket::create(&mut view(store.data_mut()), family);
                Ok((or_code::<Resource<TcpSocket>, _>(made)?,))
            })
        },
    )?;
    target.func_wrap_async(
        "[static]udp-socket.create",
        move |mut store: StoreContextMut<'_, State>, (family,): (IpAddressFamily,)| {
            Box::new(async move {
                if let Err(error) = descriptor::make_room().await {
                    return Ok((Err(exhausted(error)),));
                }
                let made = HostUdpSocket::create(&mut view(store.data_mut()), family).await;
                Ok((or_code::<Resource<UdpSocket>, _>(made)?,))
            })
        },
    )
}
