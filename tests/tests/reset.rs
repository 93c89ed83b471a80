//! Instances that are put back into their first state, and used again.

use keyway_testing::RunningApp;

fn manifest(guest: &str) -> String {
    format!(
        r#"
        [app]
        name = "reset"
        [component.guest]
        source = "{{guest:{guest}}}"
        [[trigger.http]]
        route = "/"
        component = "guest"
    "#
    )
}

/// One thread serves, so that all requests may get the same instance.
fn up(guest: &str) -> RunningApp {
    RunningApp::up_with(&manifest(guest), &["--threads", "1"])
}

/// Numbers that look random, and are the same in each run (xorshift: G. Marsaglia, 2003).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

#[test]
fn no_request_can_tell_that_its_instance_has_answered_another() {
    let app = up("smuggle");
    let new = app.get("/look").text();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..400 {
        // Most leave an instance that can be reset; some do not.
        let steps = b"hhfflaakkssddhflaksdhflaksdhflaksdqgt";
        let steps: String =
            (0..dice.roll(12)).map(|_| char::from(steps[dice.roll(steps.len())])).collect();
        let status = app.get(&format!("/hide/{steps}")).status;
        assert_eq!(status == 500, steps.contains('t'), "{steps}");
        assert_eq!(app.get("/look").text(), new, "after {steps}");
    }
}
