//! What is said. Knows nothing of components.

/// A greeting for somebody.
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
