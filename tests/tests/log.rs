//! Nobody has to read what Keyway says.

use std::process::{Child, Stdio};

use keyway_testing::{command, get, guest, read_until, terminate};

/// A process that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It has ended already, if all went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_log_that_nobody_reads_holds_up_nothing() {
    for closed in [false, true] {
        let child = command()
            .arg("up")
            .arg(guest("misbehave"))
            .args(["--listen", "127.0.0.1:0", "--drain", "1s"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("keyway can be started");
        let mut keyway = Ended(child);
        let mut stderr = keyway.0.stderr.take().expect("piped");
        let first = read_until(&mut stderr, "misbehave");
        let address = first.split("http://").nth(1).and_then(|url| url.split('/').next());
        let address = address.and_then(|address| address.parse().ok()).expect("an address");
        // Kept open and not read, or closed.
        let _unread = (!closed).then_some(stderr);
        for _ in 0..2_000 {
            assert_eq!(get(address, "/trap").status, 500);
        }
        assert_eq!(get(address, "/").status, 200);
        terminate(&keyway.0);
        assert!(keyway.0.wait().expect("it ends").success());
    }
}
