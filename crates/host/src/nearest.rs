//! What was probably meant by a name that nothing has.

/// What to do about `word`, which is none of `known`.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.collect();
    let near = known.iter().map(|known| (strsim::damerau_levenshtein(word, known), *known)).min();
    match near {
        Some((distance, near)) if distance <= (near.len().max(word.len()) / 3).max(1) => {
            format!("did you mean `{near}`?")
        }
        Some(_) => format!("it has `{}`", known.join("`, `")),
        None => "it has none".to_owned(),
    }
}
