//! Instances that are put back into their first state, and used again.

use keyway_testing::{Keyway, RunningApp};

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

/// How many instances were made, and how many requests were answered.
fn made_and_answered(keyway: &Keyway) -> (u64, u64) {
    let told = keyway.ask(["apps", "--json"]).stdout;
    let apps: serde_json::Value = serde_json::from_str(&told).expect(&told);
    let number =
        |key: &str| apps[0][key].as_u64().unwrap_or_else(|| panic!("no `{key}` in {told}"));
    (number("instances"), number("requests"))
}

#[test]
fn no_request_can_tell_that_its_instance_has_answered_another() {
    let app = up("smuggle");
    let new = app.get("/look").text();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..400 {
        // Most leave an instance that can be reset; some do not.
        let steps = b"hhfflaakkssddhflaksdhflaksdhflaksrdqgt";
        let steps: String =
            (0..dice.roll(12)).map(|_| char::from(steps[dice.roll(steps.len())])).collect();
        let status = app.get(&format!("/hide/{steps}")).status;
        assert_eq!(status == 500, steps.contains('t'), "{steps}");
        assert_eq!(app.get("/look").text(), new, "after {steps}");
    }
    let (made, answered) = made_and_answered(&app);
    assert!(answered > 800 && made < answered / 2, "{made} instances for {answered} requests");
}

#[test]
fn an_answer_that_an_instance_leaves_unfinished_ends_alike_in_all_of_them() {
    let app = up("smuggle");
    for _ in 0..20 {
        assert_eq!(app.get("/leave").text(), "left");
    }
    let (made, answered) = made_and_answered(&app);
    assert!(answered == 20 && made < 10, "{made} instances for {answered} requests");
}

#[test]
fn components_that_are_fused_are_reset_together() {
    let app = RunningApp::up_with(
        r#"
        [app]
        name = "reset"
        [component.front]
        source = "{guest:front}"
        link."test:greet/greeter" = "greeter"
        [component.greeter]
        source = "{guest:greeter}"
        [[trigger.http]]
        route = "/"
        component = "front"
    "#,
        &["--threads", "1"],
    );
    let first = app.get("/").text();
    for _ in 0..50 {
        assert_eq!(app.get("/").text(), first);
    }
    let (made, answered) = made_and_answered(&app);
    assert!(answered == 51 && made < 10, "{made} instances for {answered} requests");
}
