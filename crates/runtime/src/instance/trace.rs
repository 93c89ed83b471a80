//! What a trap says of where it came from.

use keyway_word::printable;

/// As many lines as are shown.
const MAX_LINES: usize = 8;

/// A function that was running.
struct Frame<'a> {
    module: &'a str,
    /// None where names were stripped.
    function: Option<&'a str>,
    /// Its file and line, where the component has them and code was compiled to look them up.
    place: Option<(&'a str, u32)>,
}

/// The innermost functions of a backtrace, each on a line of its own, by name and with their lines
/// where these are known.
pub(super) fn frames(backtrace: &wasmtime::WasmBacktrace) -> String {
    let frames = backtrace.frames().iter().map(|frame| {
        let symbol = frame.symbols().first();
        Frame {
            module: frame.module().name().unwrap_or("wasm"),
            function: frame.func_name(),
            place: symbol.and_then(|symbol| Some((symbol.file()?, symbol.line()?))),
        }
    });
    let lines = lines(frames).into_iter().map(|line| format!("\n    {line}"));
    lines.collect()
}

/// Functions without names say nothing one by one: those that follow each other are counted.
fn lines<'a>(frames: impl Iterator<Item = Frame<'a>>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut nameless = 0;
    for Frame { module, function, place } in frames {
        let Some(function) = function else {
            nameless += 1;
            continue;
        };
        lines.extend(counted(&mut nameless));
        if lines.len() >= MAX_LINES {
            break;
        }
        let line = format!("in {module}: {}", rustc_demangle::demangle(function));
        let place = place.map(|(file, line)| format!(" at {}:{line}", printable(file)));
        lines.push(format!("{}{}", printable(&line), place.unwrap_or_default()));
    }
    lines.extend(counted(&mut nameless));
    lines.truncate(MAX_LINES);
    lines
}

/// A line for functions without names, if there are some.
fn counted(nameless: &mut usize) -> Option<String> {
    match std::mem::take(nameless) {
        0 => None,
        1 => Some("in a function without a name".to_owned()),
        count => Some(format!("in {count} functions without names")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(functions: &[Option<&'static str>]) -> Vec<String> {
        let frame = |function: &Option<&'static str>| Frame {
            module: "a",
            function: *function,
            place: function.filter(|name| *name == "placed").map(|_| ("src/lib.rs", 7)),
        };
        lines(functions.iter().map(frame))
    }

    #[test]
    fn functions_without_names_are_counted() {
        assert_eq!(shown(&[None; 40]), ["in 40 functions without names"]);
        assert_eq!(
            shown(&[Some("abort"), None, None, Some("placed"), None]),
            [
                "in a: abort",
                "in 2 functions without names",
                "in a: placed at src/lib.rs:7",
                "in a function without a name",
            ]
        );
        assert_eq!(shown(&[Some("deep"); 30]).len(), MAX_LINES);
    }
}
