//! Exports `test:bytes/source`, which gives out streams of bytes.

wit_bindgen::generate!({ path: "../wit/bytes.wit", world: "giving" });

use wit_bindgen::StreamReader;

/// How much is written at once.
const CHUNK_BYTES: u64 = 64 * 1024;

struct Source;

export!(Source);

impl exports::test::bytes::source::Guest for Source {
    async fn open(length: u64) -> StreamReader<u8> {
        let (mut writer, reader) = wit_stream::new();
        wit_bindgen::spawn_local(async move {
            let mut left = length;
            while left > 0 {
                let take = left.min(CHUNK_BYTES);
                let unread = writer.write_all(vec![b'x'; take as usize]).await;
                if !unread.is_empty() {
                    return;
                }
                left -= take;
            }
        });
        reader
    }
}
