//! Responses, before they are sent.

use exact::Checks;
use wasip3::{
    http::types::{Fields, Response},
    wit_future, wit_stream,
};

use crate::no_trailers;

pub(crate) async fn check(checks: &mut Checks) {
    let headers = Fields::from_list(&[("a".to_owned(), b"1".to_vec())]).expect("it is well-formed");
    let (mut writer, contents) = wit_stream::new();
    let (response, sent) = Response::new(headers, Some(contents), no_trailers());
    checks.equal("response.new: the status is 200", response.get_status_code(), 200);
    for status in [100, 204, 404, 599] {
        checks.equal(
            &format!("response.set-status-code: {status}"),
            response.set_status_code(status),
            Ok(()),
        );
        checks.equal(
            &format!("response.get-status-code: {status}"),
            response.get_status_code(),
            status,
        );
    }
    for status in [0, 99, 1000, u16::MAX] {
        checks.equal(
            &format!("response.set-status-code: {status} is none"),
            response.set_status_code(status),
            Err(()),
        );
    }
    checks.equal(
        "response.set-status-code: what is refused changes nothing",
        response.get_status_code(),
        599,
    );
    let headers = response.get_headers();
    checks.equal(
        "response.get-headers: what it was made with",
        headers.get("a"),
        vec![b"1".to_vec()],
    );
    checks.fails(
        "fields.set: the headers of a response are immutable",
        headers.set("a", &[]),
        "Immutable",
    );
    checks.fails(
        "fields.append: the headers of a response are immutable",
        headers.append("a", b"2"),
        "Immutable",
    );
    checks.fails(
        "fields.delete: the headers of a response are immutable",
        headers.delete("a"),
        "Immutable",
    );
    let (result_out, result) = wit_future::new(|| Ok(()));
    let (stream, trailers) = Response::consume_body(response, result);
    checks.equal(
        "response.consume-body: headers stay valid",
        headers.get("a"),
        vec![b"1".to_vec()],
    );
    wasip3::spawn_local(async move {
        writer.write_all(b"contents".to_vec()).await;
    });
    checks.equal(
        "response.consume-body: the contents",
        stream.collect().await,
        b"contents".to_vec(),
    );
    drop(trailers);
    wasip3::spawn_local(async move {
        let _ = result_out.write(Ok(())).await;
    });
    checks.good("response.new: its result is what its reader says", sent.await);
}
