//! Makes the greeting. Does not depend on components.

/// Returns a greeting for a name.
pub fn greeting(name: &str) -> String {
    format!("Hello, {name}!")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_greeted() {
        assert_eq!(greeting("Ada"), "Hello, Ada!");
    }
}
