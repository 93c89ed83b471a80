//! Calls functions of components by hand.

use std::{path::Path, sync::Arc};

use keyway_app::{App, Place, Problem, Text};
use keyway_component::InterfaceName;
use keyway_runtime::{Call, CallError, CallTextError, Callable, Engines, Purpose, Room, UnitSpec};
use keyway_word::did_you_mean;
use tokio::runtime::Builder;

use crate::{
    Granted,
    admin::api::{Asked, Function, Returned},
    assembly::{
        assemble,
        open::open_unfinished,
        prepare::{Prepared, Workshop},
    },
    backend::Backends,
    build::built,
    live::generation::Principals,
    problem::problem,
};

type Done<T> = Result<T, Vec<Problem>>;

/// What the components of the app at `path` export that can be called; `path` may be a project's folder.
///
/// # Errors
/// If the app or one of its components cannot be read.
pub fn functions(path: &Path, granted: Option<&Granted>) -> Done<Vec<Function>> {
    if !path.exists()
        && let Some(name) = path.to_str().filter(|name| is_like_a_function(name))
    {
        let message = format!("there is no file or folder {name}");
        let help = format!("a function is called with its values: `keyway call '{name}()'`");
        return Err(vec![problem("not-found", message, Some(&help))]);
    }
    functions_of(&open_unfinished(&built(path)?, granted)?)
}

/// Whether a word that names no file may be one of the [spellings](Function::spellings) of a function.
fn is_like_a_function(word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-.:/@".contains(c);
    let is_of_file = [".wasm", ".toml"].iter().any(|ending| word.ends_with(ending))
        || (word.contains('/') && !word.contains(':'));
    word.starts_with(|first: char| first.is_ascii_alphabetic())
        && word.chars().all(is_part)
        && !is_of_file
}

/// Calls a function of the app at `path`, in a fresh instance of its component and all that this is
/// linked to, with their grants and stores. What they print goes to standard error.
///
/// # Errors
/// All that is wrong with the app and the call, or that the function did not come to its end.
pub fn call(path: &Path, granted: Option<&Granted>, asked: &Asked) -> Done<Returned> {
    let mut app = open_unfinished(&built(path)?, granted)?;
    // A component without a manifest may print: that is seen by who calls it, and by nobody else.
    for component in app.components.values_mut().filter(|component| component.place.is_none()) {
        component.grant.stdout = true;
        component.grant.stderr = true;
    }
    keyway_runtime::keep_stdout();
    let chosen = Chosen::find(&functions_of(&app)?, asked)?;
    let workshop = Workshop::open(Purpose::Command { timed: true, fuel: false })?;
    let prepared = workshop.prepare(chosen.app(&app))?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| vec![problem("no-runtime", error.to_string(), None)])?;
    runtime.block_on(async {
        let backends = Backends::open(&prepared.app, &Backends::default())?;
        let returned = chosen.bind(&prepared, &backends)?.run().await;
        // What the component has printed goes out before the result.
        keyway_runtime::flush_output().await;
        returned
    })
}

/// What the components of `app` export that can be called.
pub(crate) fn functions_of(app: &App) -> Done<Vec<Function>> {
    let loaded = assemble::load_all(app)?;
    let mut functions = Vec::new();
    for (component, loaded) in &loaded {
        for export in &loaded.description.exports {
            // A function that the world itself exports is its own export.
            let interface =
                (export.kind == keyway_component::ExternKind::Instance).then_some(&export.name);
            functions.extend(export.functions.iter().map(|function| Function {
                component: component.to_string(),
                interface: interface.cloned(),
                name: function.name.clone(),
                signature: function.signature.clone(),
                example: function.example.clone(),
            }));
        }
    }
    Ok(functions)
}

impl Function {
    /// The names that a call may use, the shortest first: `parse`, `parser.parse`,
    /// `cyber:systems/parser.parse`, and that with `@` and the interface's version.
    pub fn spellings(&self) -> Vec<String> {
        let mut spellings = vec![self.name.clone()];
        if let Some(interface) = &self.interface {
            let (path, version) =
                interface.split_once('@').map_or((&**interface, None), |(p, v)| (p, Some(v)));
            let (_, bare) = path.rsplit_once('/').unwrap_or(("", path));
            let names = [bare, path].map(|name| format!("{name}.{}", self.name));
            spellings.extend(version.map(|version| format!("{}@{version}", names[1])));
            spellings.splice(1..1, names);
        }
        spellings
    }

    /// Whether it can stand in for the one that `name` means, `cyber:systems/parser.parse@1.0.0`.
    fn is_compatible(&self, name: &str) -> bool {
        let of_same = self.interface.as_deref().and_then(InterfaceName::parse).zip(
            name.split_once('@').and_then(|(function, version)| {
                let interface = function.strip_suffix(&self.name)?.strip_suffix('.')?;
                InterfaceName::parse(&format!("{interface}@{version}"))
            }),
        );
        of_same.is_some_and(|(ours, meant)| ours.is_compatible(&meant))
    }

    /// The call to show for it among `all`: as short as it can be without meaning another one. None
    /// if it cannot be called by hand.
    pub fn example_among(&self, all: &[Self]) -> Option<String> {
        let values = self.example.as_ref()?.strip_prefix(&self.name)?;
        let spellings = self.spellings();
        let is_clear = |spelling: &&String| {
            let means_it = |other: &&Self| other.spellings().contains(spelling);
            all.iter().filter(means_it).count() == 1
        };
        // With `--component` the rest is clear, too.
        let name = spellings.iter().find(is_clear).or(spellings.first())?;
        Some(format!("{name}{values}"))
    }
}

/// A call of a function that was found.
pub(crate) struct Chosen {
    function: Function,
    call: Call,
    text: String,
}

impl Chosen {
    /// The one function among `functions` that is asked for.
    pub(crate) fn find(functions: &[Function], asked: &Asked) -> Done<Self> {
        let call = Call::parse(&asked.call).map_err(|error| vec![at(&asked.call, &error)])?;
        let is_of = |function: &&Function| {
            asked.component.as_ref().is_none_or(|component| *component == function.component)
        };
        let (callable, others): (Vec<_>, Vec<_>) =
            functions.iter().filter(is_of).partition(|function| function.example.is_some());
        let name = call.name().to_owned();
        let is_meant = |function: &&&Function| function.spellings().contains(&name);
        let mut meant: Vec<_> = callable.iter().filter(is_meant).collect();
        if meant.is_empty() {
            // One of a version that can stand in for the one that is named.
            meant = callable.iter().filter(|function| function.is_compatible(&name)).collect();
        }
        if let (true, Some(other)) = (meant.is_empty(), others.iter().find(is_meant)) {
            return Err(vec![uncallable(other)]);
        }
        match meant.as_slice() {
            [function] => {
                Ok(Self { function: (**function).clone(), call, text: asked.call.clone() })
            }
            [] => {
                let known = callable.iter().map(|function| function.name.as_str());
                let message = format!("there is no function `{name}` to call");
                Err(vec![problem("no-such-function", message, Some(&did_you_mean(&name, known)))])
            }
            several => {
                let all = several.iter().map(|function| {
                    let spelling = function.spellings().pop().unwrap_or_default();
                    format!("`{spelling}` of `{}`", function.component)
                });
                let message = format!(
                    "`{name}` may be one of several functions: {}",
                    all.collect::<Vec<_>>().join(", ")
                );
                let help = "write the interface's name before it, or say which with `--component`";
                Err(vec![problem("ambiguous-function", message, Some(help))])
            }
        }
    }

    /// The part of the app that the call needs.
    pub(crate) fn app(&self, app: &App) -> App {
        let component = app.components.keys().find(|name| name.as_str() == self.function.component);
        component.map_or_else(|| app.clone(), |component| app.of_root(component))
    }

    /// Makes the call ready to run.
    pub(crate) fn bind(self, prepared: &Prepared, backends: &Backends) -> Done<Ready> {
        let app = &prepared.app;
        let failed = |code, error: &dyn std::fmt::Display| {
            let message = format!("`{}`: {error}", self.function.component);
            vec![problem(code, message, None)]
        };
        let (Some(unit), Some(component)) = (
            prepared.units.first(),
            app.components.values().find(|c| c.name.as_str() == self.function.component),
        ) else {
            return Err(failed("no-component", &"it is not there any more"));
        };
        let limit = keyway_app::Limit { concurrency: 1, ..component.limit.clone() };
        let room = Room { compiled: &unit.compiled, limit: &limit };
        let engines = Engines::new(&[room]).map_err(|error| failed("engine", &error))?;
        let spec = UnitSpec {
            name: unit.root.to_string(),
            principals: Principals::new(app, backends).of(&unit.components),
            imports: unit.imports.clone(),
            limit,
        };
        let callable = Callable::new(&engines, &unit.compiled, spec);
        let callable = callable.map_err(|error| failed("unit", &error))?;
        Ok(Ready { callable, chosen: self })
    }
}

/// What is told of a function that is there, and that no text calls.
fn uncallable(function: &Function) -> Problem {
    let Function { component, name, signature, .. } = function;
    let message = format!(
        "`{name}` of `{component}` cannot be called by hand: it takes or returns handles or streams, \
         which no text stands for"
    );
    problem("not-callable", message, Some(&format!("it is {name}: {signature}")))
}

/// A call that is ready to run.
pub(crate) struct Ready {
    callable: Callable,
    chosen: Chosen,
}

impl Ready {
    /// Runs it to its end.
    pub(crate) async fn run(self) -> Done<Returned> {
        let Chosen { function, call, text } = &self.chosen;
        let interface = function.interface.as_deref();
        match self.callable.call(interface, &function.name, call).await {
            Ok(None) => Ok(Returned { wave: None, json: serde_json::Value::Null }),
            Ok(Some(value)) => Ok(Returned { wave: Some(value.to_wave()), json: value.to_json() }),
            Err(CallError::Values(error)) => {
                let help = format!("it is {}: {}", function.name, function.signature);
                Err(vec![Problem { help: Some(help), ..at(text, &error) }])
            }
            Err(error @ (CallError::NoFunction(_) | CallError::Unwritable(_))) => {
                Err(vec![problem("no-such-function", error.to_string(), None)])
            }
            Err(CallError::Failed(failure)) => {
                let message = format!("`{}` of `{}`: {failure}", function.name, function.component);
                Err(vec![problem("call-failed", message, None)])
            }
        }
    }
}

/// What is wrong with the text of a call, at its place there.
fn at(text: &str, error: &CallTextError) -> Problem {
    let shown = Text { name: "the call".to_owned(), text: text.to_owned() };
    Problem {
        label: Some("here".to_owned()),
        place: Some(Place { text: Arc::new(shown), span: error.span.clone() }),
        ..problem(
            "call",
            format!("this is no call with values in WAVE: {}", error.message),
            Some("a call is such as parse(\"text\", 1, [true], {name: \"x\"}, some('a'))"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(component: &str, interface: Option<&str>, name: &str) -> Function {
        Function {
            component: component.to_owned(),
            interface: interface.map(str::to_owned),
            name: name.to_owned(),
            signature: "func()".to_owned(),
            example: Some(format!("{name}()")),
        }
    }

    #[test]
    fn a_function_has_a_short_name_where_it_is_the_only_one() {
        let all = [
            function("a", Some("x:y/one@1.0.0"), "run"),
            function("a", Some("x:y/two@1.0.0"), "run"),
            function("a", Some("z:y/two"), "run"),
            function("a", None, "go"),
            function("b", None, "go"),
            Function { example: None, ..function("b", Some("x:y/one@1.0.0"), "handle") },
        ];
        let examples: Vec<_> = all.iter().filter_map(|f| f.example_among(&all)).collect();
        assert_eq!(examples, ["one.run()", "x:y/two.run()", "z:y/two.run()", "go()", "go()"]);
        let find = |call: &str, component: Option<&str>| {
            let (call, component) = (call.to_owned(), component.map(str::to_owned));
            Chosen::find(&all, &Asked { call, component }).map(|chosen| chosen.function)
        };
        assert_eq!(find("one.run()", None).as_ref(), Ok(&all[0]));
        assert_eq!(find("x:y/two.run@1.0.0()", None).as_ref(), Ok(&all[1]));
        assert_eq!(find("x:y/two.run@1.2.0()", None).as_ref(), Ok(&all[1]));
        assert_eq!(find("go()", Some("b")).as_ref(), Ok(&all[4]));
        for (call, code) in [
            ("two.run()", "ambiguous-function"),
            ("go()", "ambiguous-function"),
            ("gone()", "no-such-function"),
            ("x:y/two.run@2.0.0()", "no-such-function"),
            ("handle(1)", "not-callable"),
            ("go", "call"),
        ] {
            let problems = find(call, None).expect_err(call);
            assert_eq!(problems[0].code, code, "{call}");
        }
    }

    #[test]
    fn a_word_may_be_a_function_or_a_file() {
        for word in ["greet", "log-parser.parse", "a:b/c.run", "a:b/c.run@1.0.0"] {
            assert!(is_like_a_function(word), "{word}");
        }
        for word in ["greet.wasm", "keyway.toml", "apps/shop", "..", "/tmp", "", "a b"] {
            assert!(!is_like_a_function(word), "{word}");
        }
    }
}
