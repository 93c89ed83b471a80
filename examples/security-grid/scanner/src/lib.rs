//! Implements `cyber:systems/scanner`: looks for signatures of attacks in any bytes.

mod bindings {
    wit_bindgen::generate!({ world: "security-grid", path: "wit" });
    use super::Scanner;
    export!(Scanner);
}

mod signature;

use bindings::exports::cyber::systems::scanner::{Guest, ScanResult};

struct Scanner;

impl Guest for Scanner {
    fn scan(payload: Vec<u8>) -> Result<ScanResult, String> {
        if payload.is_empty() {
            return Err("There is nothing to scan: the payload is empty.".to_owned());
        }
        let worst = signature::worst(&payload);
        Ok(ScanResult {
            threat_level: worst.map_or(0, |signature| signature.level),
            signature: worst.map_or_else(String::new, |signature| signature.name.to_owned()),
        })
    }
}
