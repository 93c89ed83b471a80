//! Exports `test:echo/echo`, which does nothing but return what it is given: what a call of it costs
//! is what a call costs.

wit_bindgen::generate!({ path: "../wit/echo.wit", world: "echoing" });

struct Echo;

export!(Echo);

impl exports::test::echo::echo::Guest for Echo {
    fn echo(text: String) -> String {
        text
    }
}
