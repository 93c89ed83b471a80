//! Problems as a person reads them, with the place in the manifest, and as a machine does.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use keyway_app::Problem;
use keyway_host::{HostError, ProblemReport, in_words};
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
};
use serde::Serialize;

/// Whether something is missing from standard output. The process has one, and whoever prints to it
/// need not know how the process ends.
static IS_INCOMPLETE: AtomicBool = AtomicBool::new(false);

/// Whether something is missing from standard output that a reader has to know of.
pub(crate) fn is_incomplete() -> bool {
    IS_INCOMPLETE.load(Relaxed)
}

/// Prints every problem to standard error. The exit code says that there were some.
pub(crate) fn print(problems: &[Problem]) -> ExitCode {
    print_reports(&problems.iter().map(ProblemReport::with_text).collect::<Vec<_>>())
}

/// Prints what stands in the way of an operation.
pub(crate) fn print_error(error: HostError) -> ExitCode {
    print(&error.into_problems())
}

/// The same, for problems that come from a running host.
pub(crate) fn print_reports(problems: &[ProblemReport]) -> ExitCode {
    let theme = if io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(100);
    for problem in problems {
        let mut text = String::new();
        match handler.render_report(&mut text, &Shown::new(problem)) {
            Ok(()) => {}
            Err(fmt::Error) => text = format!("error: {}\n", problem.message),
        }
        tell(&text);
    }
    ExitCode::FAILURE
}

/// What `--json` prints for a check.
#[derive(Debug, Serialize)]
struct Checked {
    ok: bool,
    problems: Vec<ProblemReport>,
}

/// Prints to standard output, as JSON, whether there are problems and which. The exit code says so
/// too.
pub(crate) fn print_as_json(problems: &[Problem]) -> ExitCode {
    let problems: Vec<_> = problems.iter().map(ProblemReport::from).collect();
    let ok = problems.is_empty();
    print_json(&Checked { ok, problems });
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A problem with the manifest's text beside it.
#[derive(Debug)]
struct Shown<'a> {
    problem: &'a ProblemReport,
    source: Option<NamedSource<String>>,
}

impl<'a> Shown<'a> {
    fn new(problem: &'a ProblemReport) -> Self {
        let source = problem.place.as_ref().and_then(|place| {
            let text = place.text.clone()?;
            Some(NamedSource::new(&place.file, text).with_language("TOML"))
        });
        Self { problem, source }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.problem.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.problem.place.as_ref()?;
        let span = place.start..place.end;
        let label = LabeledSpan::new_with_span(self.problem.label.clone(), span);
        Some(Box::new(std::iter::once(label)))
    }
}

/// Prints `value` as JSON to standard output.
pub(crate) fn print_json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => {
            print_text(&(text + "\n"));
        }
        Err(error) => give_up("write this as JSON", &error),
    }
}

/// Prints to standard output, and returns whether more can be. A reader that has seen enough
/// (`| head`) is not an error; anything else, such as a full disk, makes the command fail.
pub(crate) fn print_text(text: &str) -> bool {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => return true,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => give_up("write to standard output", &error),
    }
    false
}

fn give_up(what: &str, error: &dyn fmt::Display) {
    IS_INCOMPLETE.store(true, Relaxed);
    tell(&format!("error: cannot {what}: {}\n", in_words(error)));
}

/// Prints to standard error. If nobody reads that, the command carries on, and its exit code still
/// says how it ended.
pub(crate) fn tell(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// A number of bytes as a person reads it.
pub(crate) fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
