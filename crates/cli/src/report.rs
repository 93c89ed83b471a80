//! Problems as a person reads them, with the place in the manifest, and as a machine does.

use std::{fmt, io::IsTerminal, process::ExitCode};

use keyway_app::Problem;
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
};
use serde::Serialize;

/// Prints every problem to standard error. The exit code says that there were some.
pub(crate) fn print(problems: &[Problem]) -> ExitCode {
    let theme = if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(100);
    for problem in problems {
        let mut text = String::new();
        match handler.render_report(&mut text, &Shown::new(problem)) {
            Ok(()) => eprint!("{text}"),
            Err(fmt::Error) => eprintln!("error: {problem}"),
        }
    }
    ExitCode::FAILURE
}

/// A problem with the manifest's text beside it.
#[derive(Debug)]
struct Shown<'a> {
    problem: &'a Problem,
    source: Option<NamedSource<String>>,
}

impl<'a> Shown<'a> {
    fn new(problem: &'a Problem) -> Self {
        let source = problem.place.as_ref().map(|place| {
            NamedSource::new(&place.text.name, place.text.text.clone()).with_language("TOML")
        });
        Self { problem, source }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.problem.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.problem.place.as_ref()?;
        let label = LabeledSpan::new_with_span(self.problem.label.clone(), place.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

/// A problem for machines.
#[derive(Debug, Serialize)]
pub(crate) struct ProblemJson<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceJson<'a>>,
}

/// A place for machines: lines and columns count from 1, columns in characters.
#[derive(Debug, Serialize)]
struct PlaceJson<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    start: usize,
    end: usize,
}

impl<'a> From<&'a Problem> for ProblemJson<'a> {
    fn from(problem: &'a Problem) -> Self {
        let place = problem.place.as_ref().map(|place| {
            let (line, column) = place.line_column();
            let std::ops::Range { start, end } = place.span;
            PlaceJson { file: &place.text.name, line, column, start, end }
        });
        Self {
            code: problem.code,
            message: &problem.message,
            label: problem.label.as_deref(),
            help: problem.help.as_deref(),
            place,
        }
    }
}

/// Prints `value` as JSON to standard output.
pub(crate) fn print_json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => print_text(&(text + "\n")),
        Err(error) => eprintln!("error: this cannot be written as JSON: {error}"),
    }
}

/// Prints to standard output. A reader that has seen enough (`| head`) is no error.
pub(crate) fn print_text(text: &str) {
    use std::io::Write;
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        Err(error) => eprintln!("error: standard output cannot be written: {error}"),
    }
}
