//! What was probably meant by a name that does not exist.

/// The one of `known` that was probably meant by `word`.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known = known.into_iter();
    let near = known.map(|known| (strsim::damerau_levenshtein(word, known), known)).min();
    let (distance, near) = near?;
    (distance <= (near.len().max(word.len()) / 3).max(1)).then_some(near)
}

/// What to do about `word`, which is none of `known`.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.into_iter().collect();
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "it has none".to_owned(),
        None => format!("it has `{}`", known.join("`, `")),
    }
}

/// `a`, `b` and `c`, as code.
pub fn list(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_near_if_a_third_of_it_is_wrong_at_most() {
        assert_eq!(nearest("rediss", ["memory", "redis"]), Some("redis"));
        assert_eq!(nearest("x", ["memory", "redis"]), None);
        assert_eq!(nearest("x", []), None);
        assert_eq!(did_you_mean("cahce", ["cache"]), "did you mean `cache`?");
        assert_eq!(did_you_mean("x", ["cache", "pets"]), "it has `cache`, `pets`");
        assert_eq!(did_you_mean("x", []), "it has none");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
