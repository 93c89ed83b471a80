//! The network that sockets are bound to.

use exact::Checks;
use wasip2::sockets::{instance_network::instance_network, network::IpAddressFamily};

use crate::{bind, connect, create, finish, listen, loopback, v4};

pub(crate) fn check(checks: &mut Checks) {
    checks.interface("wasi:sockets/instance-network@0.2.12");
    let server = create(IpAddressFamily::Ipv4);
    let network = instance_network();
    let begun = server.start_bind(&network, loopback(0));
    drop(network);
    checks.good(
        "instance-network: what is begun with it outlives the handle",
        begun.and_then(|()| finish(&server.subscribe(), || server.finish_bind())),
    );
    listen(&server).expect("it listens");
    let address = server.local_address().expect("it is bound");
    let (one, other) = (instance_network(), instance_network());
    let client = create(IpAddressFamily::Ipv4);
    let bound = client.start_bind(&one, loopback(0)).and_then(|()| client.finish_bind());
    drop(one);
    checks.good("instance-network: a socket is bound by it", bound);
    let begun = client.start_connect(&other, address);
    checks.good(
        "instance-network: each handle is of the same network",
        begun.and_then(|()| finish(&client.subscribe(), || client.finish_connect())),
    );
    checks.fails(
        "instance-network: reaches what is granted, and no more",
        connect(&create(IpAddressFamily::Ipv4), v4((192, 0, 2, 1), 80)).map(drop),
        "AccessDenied",
    );
    checks.fails(
        "instance-network: has no addresses but this machine's",
        bind(&create(IpAddressFamily::Ipv4), v4((192, 0, 2, 1), 0)),
        "AddressNotBindable",
    );
}
