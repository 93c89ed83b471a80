//! What the WIT files say to trap.

use wasip2::{
    io::streams::OutputStream,
    sockets::{network::IpSocketAddress, udp::OutgoingDatagram},
};

use crate::{
    stream::Pair,
    udp::{at, bound},
};

pub(crate) fn trap(what: &str) {
    let (interface, what) = what.split_once('#').expect("an interface, and what is done");
    match interface {
        "wasi:io/streams@0.2.12" => write(what),
        "wasi:sockets/udp@0.2.12" => send(what),
        _ => panic!("nothing is known by this name"),
    }
}

fn write(what: &str) {
    let pair = Pair::new();
    let output = &pair.client.output;
    output.subscribe().block();
    match what {
        "output-stream.write: without a permit traps" => drop(output.write(b"x")),
        "output-stream.write: more than is permitted traps" => {
            let more = vec![0; beyond(output).try_into().expect("it is not much")];
            drop(output.write(&more));
        }
        "output-stream.write-zeroes: without a permit traps" => drop(output.write_zeroes(1)),
        "output-stream.write-zeroes: more than is permitted traps" => {
            drop(output.write_zeroes(beyond(output)));
        }
        "output-stream.write-zeroes: what is permitted does not trap" => again_and_again(output),
        _ => panic!("nothing is known by this name"),
    }
}

/// More than there is room for, which is asked for.
fn beyond(output: &OutputStream) -> u64 {
    output.check_write().expect("it is open") + 1
}

/// Asks and writes without ever waiting, except where there is no room.
fn again_and_again(output: &OutputStream) {
    for number in 0..2_000 {
        // So that whatever is counted ends at another place each time.
        for _ in 0..number % 7 {
            output.check_write().expect("it is open");
        }
        if output.check_write().expect("it is open") > 0 {
            output.write_zeroes(1).expect("it is permitted");
        } else {
            output.subscribe().block();
        }
    }
}

fn send(what: &str) {
    let (one, other) = (bound(), bound());
    let (_, out) = one.stream(None).expect("streams");
    out.subscribe().block();
    match what {
        "outgoing-datagram-stream.send: without a permit traps" => {
            let _ = out.send(&datagrams(1, at(&other)));
        }
        "outgoing-datagram-stream.send: more than is permitted traps" => {
            let permitted = out.check_send().expect("it is open");
            let _ = out.send(&datagrams(permitted + 1, at(&other)));
        }
        _ => panic!("nothing is known by this name"),
    }
}

fn datagrams(count: u64, to: IpSocketAddress) -> Vec<OutgoingDatagram> {
    let one = |_| OutgoingDatagram { data: b"x".to_vec(), remote_address: Some(to) };
    (0..count).map(one).collect()
}
