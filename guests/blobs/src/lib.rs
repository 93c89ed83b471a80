//! Does to containers what the path says: `/create/BOX`, `/put/BOX/NAME/TEXT`, `/get/BOX/NAME` and
//! so on. `/put-late` writes the text before it says to which object. `/fill/BOX/NAME/MEBIBYTES`
//! writes so much, and `/measure/BOX/NAME` reads an object piece by piece and counts.

use wasip2::{
    http::types::{IncomingRequest, ResponseOutparam},
    io::streams::{OutputStream, StreamError},
};

wit_bindgen::generate!({
    path: ["../../wit/wasi-blobstore-0.2.0-draft", "../wit/blobs.wit"],
    world: "test:blobs/user",
    with: {
        "wasi:io/error@0.2.2": wasip2::io::error,
        "wasi:io/poll@0.2.2": wasip2::io::poll,
        "wasi:io/streams@0.2.2": wasip2::io::streams,
    },
    generate_all,
});

use wasi::blobstore::{
    blobstore::{self, ObjectId},
    container::Container,
    types::{IncomingValue, OutgoingValue},
};

/// What is written and read at once.
const PIECE: usize = 4096;

struct Blobs;

wasip2::http::proxy::export!(Blobs);

impl wasip2::exports::http::incoming_handler::Guest for Blobs {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        match answer(&reply::path(&request)[1..]) {
            Ok(text) => reply::text(out, &text),
            Err(error) => reply::failure(out, &error),
        }
    }
}

fn id(container: &str, object: &str) -> ObjectId {
    ObjectId { container: container.to_owned(), object: object.to_owned() }
}

fn answer(path: &str) -> Result<String, String> {
    let parts: Vec<_> = path.split('/').collect();
    let done = || "done".to_owned();
    let open = |name: &str| blobstore::get_container(name);
    let number = |text: &str| text.parse::<u64>().map_err(|error| error.to_string());
    Ok(match parts.as_slice() {
        ["create", name] => blobstore::create_container(name)?.name()?,
        ["exists", name] => blobstore::container_exists(name)?.to_string(),
        ["drop", name] => blobstore::delete_container(name).map(|()| done())?,
        ["age", name] => (open(name)?.info()?.created_at > 1_700_000_000).to_string(),
        ["put", name, object, text] => put(&open(name)?, object, text)?,
        ["put-late", name, object, text] => put_late(&open(name)?, object, text)?,
        ["give-up", name, object, text] => give_up(&open(name)?, object, text)?,
        ["get", name, object] => get(&open(name)?, object, 0, u64::MAX)?,
        ["get", name, object, start, end] => {
            get(&open(name)?, object, number(start)?, number(end)?)?
        }
        ["size", name, object] => open(name)?.object_info(object)?.size.to_string(),
        ["has", name, object] => open(name)?.has_object(object)?.to_string(),
        ["delete", name, object] => open(name)?.delete_object(object).map(|()| done())?,
        ["list", name] => list(&open(name)?)?,
        ["clear", name] => open(name)?.clear().map(|()| done())?,
        ["copy", from, a, to, b] => {
            blobstore::copy_object(&id(from, a), &id(to, b)).map(|()| done())?
        }
        ["move", from, a, to, b] => {
            blobstore::move_object(&id(from, a), &id(to, b)).map(|()| done())?
        }
        ["fill", name, object, size] => fill(&open(name)?, object, number(size)?)?,
        ["fill-late", name, object, size] => fill_late(&open(name)?, object, number(size)?)?,
        ["measure", name, object] => measure(&open(name)?, object)?,
        _ => "what?".to_owned(),
    })
}

fn words(error: StreamError) -> String {
    match error {
        StreamError::Closed => "closed".to_owned(),
        StreamError::LastOperationFailed(error) => error.to_debug_string(),
    }
}

fn write(stream: &OutputStream, bytes: &[u8]) -> Result<(), String> {
    for piece in bytes.chunks(PIECE) {
        stream.blocking_write_and_flush(piece).map_err(words)?;
    }
    Ok(())
}

/// The object first, and then the text.
fn put(container: &Container, object: &str, text: &str) -> Result<String, String> {
    let value = OutgoingValue::new_outgoing_value();
    container.write_data(object, &value)?;
    let stream = value.outgoing_value_write_body().map_err(|()| "no stream")?;
    let again = value.outgoing_value_write_body();
    write(&stream, text.as_bytes())?;
    drop(stream);
    OutgoingValue::finish(value)?;
    Ok(if again.is_ok() { "two streams" } else { "done" }.to_owned())
}

/// The text first, and then the object.
fn put_late(container: &Container, object: &str, text: &str) -> Result<String, String> {
    let value = OutgoingValue::new_outgoing_value();
    let stream = value.outgoing_value_write_body().map_err(|()| "no stream")?;
    write(&stream, text.as_bytes())?;
    drop(stream);
    container.write_data(object, &value)?;
    OutgoingValue::finish(value)?;
    Ok("done".to_owned())
}

/// Never finishes.
fn give_up(container: &Container, object: &str, text: &str) -> Result<String, String> {
    let value = OutgoingValue::new_outgoing_value();
    container.write_data(object, &value)?;
    let stream = value.outgoing_value_write_body().map_err(|()| "no stream")?;
    write(&stream, text.as_bytes())?;
    Ok("gave up".to_owned())
}

fn get(container: &Container, object: &str, start: u64, end: u64) -> Result<String, String> {
    let value = container.get_data(object, start, end)?;
    let size = value.size();
    let bytes = IncomingValue::incoming_value_consume_sync(value)?;
    assert_eq!(bytes.len() as u64, size);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn list(container: &Container) -> Result<String, String> {
    let names = container.list_objects()?;
    let mut all = Vec::new();
    loop {
        let (read, is_end) = names.read_stream_object_names(2)?;
        all.extend(read);
        if is_end {
            all.sort();
            return Ok(all.join(" "));
        }
    }
}

/// So many mebibytes, each byte of which tells where it is.
fn fill(container: &Container, object: &str, mebibytes: u64) -> Result<String, String> {
    let value = OutgoingValue::new_outgoing_value();
    container.write_data(object, &value)?;
    let stream = value.outgoing_value_write_body().map_err(|()| "no stream")?;
    for number in 0..mebibytes {
        write(&stream, &vec![number as u8; 1 << 20])?;
    }
    drop(stream);
    OutgoingValue::finish(value)?;
    Ok("done".to_owned())
}

/// The same, without saying to which object until all is written.
fn fill_late(container: &Container, object: &str, mebibytes: u64) -> Result<String, String> {
    let value = OutgoingValue::new_outgoing_value();
    let stream = value.outgoing_value_write_body().map_err(|()| "no stream")?;
    for number in 0..mebibytes {
        write(&stream, &vec![number as u8; 1 << 20])?;
    }
    drop(stream);
    container.write_data(object, &value)?;
    OutgoingValue::finish(value)?;
    Ok("done".to_owned())
}

/// How long an object is that `fill` has written, and whether every byte is in its place.
fn measure(container: &Container, object: &str) -> Result<String, String> {
    let value = container.get_data(object, 0, u64::MAX)?;
    let stream = IncomingValue::incoming_value_consume_async(value)?;
    let mut length = 0;
    loop {
        let piece = match stream.blocking_read(64 << 10) {
            Ok(piece) => piece,
            Err(StreamError::Closed) => return Ok(length.to_string()),
            Err(error) => return Err(words(error)),
        };
        for byte in piece {
            if byte != (length >> 20) as u8 {
                return Err(format!("the byte {length} is {byte}"));
            }
            length += 1_usize;
        }
    }
}
