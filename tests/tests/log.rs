//! Nobody has to read what Keyway says.

use std::process::{Child, Stdio};

use keyway_testing::{Keyway, app, command, eventually, get, guest, read_until, terminate};

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

#[test]
fn an_app_of_many_shows_its_own_lines_alone_however_much_another_says() {
    let data = tempfile::tempdir().expect("a folder");
    let host = Keyway::host(data.path(), &[]);
    let manifest = |name: &str, more: &str| {
        let text = format!(
            r#"
            [app]
            name = "{name}"
            [component.config]
            source = "{{guest:config}}"
            {more}
            [[trigger.http]]
            host = "{name}.test"
            route = "/"
            component = "config"
        "#
        );
        app(&text)
    };
    for app in [manifest("denied", ""), manifest("noisy", "grant.stderr = true")] {
        let deployed = host.ask(["deploy".as_ref(), app.path().as_os_str()]);
        assert_eq!(deployed.code, Some(0), "{}", deployed.stderr);
    }
    host.get_of("denied.test", "/get/key");
    // What is denied is said of a component of an app, and belongs to the log of that.
    host.wait_for_stderr("denied/config: ");
    for _ in 0..400 {
        assert_eq!(host.get_of("noisy.test", "/log/noise").text(), "logged");
    }
    let logs = |name: &str| host.ask(["logs", "--app", name]).stdout;
    // Two of three of the last thousand lines.
    assert!(eventually(|| logs("noisy").matches("noise").count() >= 600));
    let (of_denied, of_noisy) = (logs("denied"), logs("noisy"));
    assert!(of_denied.contains("denied/config: ") && !of_denied.contains("noise"), "{of_denied}");
    assert!(!of_noisy.contains("denied/config: "), "{of_noisy}");
}
