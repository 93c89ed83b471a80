//! A function that is called by hand, in an instance of its own.

use std::sync::Arc;

use keyway_app::{App, Code, Limit, Problem};
use keyway_component::{ExternKind, InterfaceName};
use keyway_runtime::{Account, Call, Callable, Engines, Printer, Room, UnitSpec};
use serde::{Deserialize, Serialize};

use crate::{
    assembly::{assemble, prepare::Prepared},
    backend::Backends,
    error::{CallError, HostError},
    live::principal::Principals,
    problem::problem,
};

/// A function that a component exports. `GET /v1/functions` of the admin API returns a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// The component.
    pub component: String,
    /// The interface; none if the component's world exports the function itself.
    pub interface: Option<String>,
    /// The function's name; that of a resource's function is `resource.function`.
    pub name: String,
    /// Its signature in WIT syntax.
    pub signature: String,
    /// A call of it, in WAVE; none if it cannot be called by hand.
    pub example: Option<String>,
}

/// A call of a function in a fresh instance: the request `POST /v1/call` of the admin API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The function with its values in WAVE, such as `parse("a b c")`. Its interface's name may
    /// stand before it, as in `cyber:systems/parser.parse(…)`.
    pub call: String,
    /// The component that exports it; any, if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
}

/// What a function returned: the answer to [`Asked`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Returned {
    /// The result in WAVE; none if the function returns nothing.
    pub wave: Option<String>,
    /// The result in JSON.
    pub json: serde_json::Value,
}

/// The functions that the components of an app export, as far as these can be read.
#[derive(Debug, Clone)]
pub struct Functions {
    /// Those of the components that can be read.
    pub known: Vec<Function>,
    /// Why others cannot.
    pub unread: Vec<Problem>,
}

impl Functions {
    /// Reads the components of `app`.
    pub(crate) fn of(app: &App) -> Self {
        let (loaded, unread) = assemble::load_each(app);
        let mut known = Vec::new();
        for (component, loaded) in &loaded {
            for export in &loaded.description.exports {
                // A function that the world itself exports is its own export.
                let interface = (export.kind == ExternKind::Instance).then_some(&export.name);
                known.extend(export.functions.iter().map(|function| Function {
                    component: component.to_string(),
                    interface: interface.cloned(),
                    name: function.name.clone(),
                    signature: function.signature.clone(),
                    example: function.example.clone(),
                }));
            }
        }
        Self { known, unread }
    }

    /// All of them.
    ///
    /// # Errors
    /// If a component cannot be read.
    pub(crate) fn all(self) -> Result<Vec<Function>, Vec<Problem>> {
        if self.unread.is_empty() { Ok(self.known) } else { Err(self.unread) }
    }
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
    /// The one of the functions that is asked for.
    ///
    /// # Errors
    /// If the text is not a call, or there is not exactly one function that it may mean.
    pub(crate) fn find(functions: &Functions, asked: &Asked) -> Result<Self, HostError> {
        let Asked { call: text, component } = asked;
        let call =
            Call::parse(text).map_err(|error| CallError::Text { text: text.clone(), error })?;
        let is_of = |function: &&Function| {
            component.as_ref().is_none_or(|component| *component == function.component)
        };
        let known = functions.known.iter().filter(is_of);
        let (callable, others): (Vec<_>, Vec<_>) =
            known.partition(|function| function.example.is_some());
        let name = call.name().to_owned();
        let is_meant = |function: &&&Function| function.spellings().contains(&name);
        let mut meant: Vec<_> = callable.iter().filter(is_meant).collect();
        if meant.is_empty() {
            // One of a version that can stand in for the one that is named.
            meant = callable.iter().filter(|function| function.is_compatible(&name)).collect();
        }
        match (meant.as_slice(), others.iter().find(is_meant)) {
            ([function], _) => {
                Ok(Self { function: (**function).clone(), call, text: text.clone() })
            }
            ([], Some(other)) => {
                let Function { component, name, .. } = (*other).clone();
                Err(CallError::NotCallable { component, name, signature: signature(other) }.into())
            }
            // A component that cannot be read may export it.
            ([], None) if !functions.unread.is_empty() => Err(functions.unread.clone().into()),
            ([], None) => {
                let known = callable.iter().map(|function| function.name.clone()).collect();
                Err(CallError::NoSuchFunction { name, known }.into())
            }
            (several, _) => {
                let all = several.iter().map(|function| {
                    let spelling = function.spellings().pop().unwrap_or_default();
                    format!("`{spelling}` of `{}`", function.component)
                });
                Err(CallError::Ambiguous { name, all: all.collect() }.into())
            }
        }
    }

    /// The part of the app that the call needs.
    pub(crate) fn app(&self, app: &App) -> App {
        let component = app.components.keys().find(|name| name.as_str() == self.function.component);
        component.map_or_else(|| app.clone(), |component| app.of_root(component))
    }

    /// Makes the call ready to run.
    ///
    /// # Errors
    /// If there is no room for the unit, or it cannot be bound to its rights.
    pub(crate) fn bind(
        self,
        prepared: &Prepared,
        backends: &Backends,
        engines: &Engines,
        printer: &Printer,
        account: &Arc<Account>,
    ) -> Result<Ready, HostError> {
        let app = &prepared.app;
        let name = &self.function.component;
        let (Some(unit), Some(component)) = (
            prepared.units.first(),
            app.components.values().find(|component| component.name.as_str() == name),
        ) else {
            let message = format!("the component `{name}` is not there any more");
            return Err(problem(Code::NoComponent, message, None).into());
        };
        let limit = Limit { concurrency: 1, ..component.limit.clone() };
        let room = Room { compiled: &unit.compiled, limit: &limit };
        let pools = engines
            .make_room(&[room])
            .map_err(|error| problem(Code::Engine, format!("`{name}`: {error}"), None))?;
        let spec = UnitSpec {
            name: unit.root.to_string(),
            principals: Principals::new(app, backends).of(&unit.components),
            imports: unit.imports.clone(),
            limit,
            printer: printer.clone(),
            account: Arc::clone(account),
        };
        let callable = Callable::new(&pools, &unit.compiled, spec)
            .map_err(|error| CallError::Unit { component: name.clone(), error })?;
        Ok(Ready { callable, chosen: self })
    }
}

/// A function as WIT has it, with its name.
fn signature(function: &Function) -> String {
    format!("{}: {}", function.name, function.signature)
}

/// A call that is ready to run.
pub(crate) struct Ready {
    callable: Callable,
    chosen: Chosen,
}

impl Ready {
    /// Runs it to its end.
    ///
    /// # Errors
    /// If the values do not fit, or the function does not come to its end.
    pub(crate) async fn run(self) -> Result<Returned, CallError> {
        let Chosen { function, call, text } = self.chosen;
        let interface = function.interface.as_deref();
        let signature = signature(&function);
        let Function { component, name, .. } = &function;
        let (component, name) = (component.clone(), name.clone());
        match self.callable.call(interface, &name, &call).await {
            Ok(None) => Ok(Returned { wave: None, json: serde_json::Value::Null }),
            Ok(Some(value)) => Ok(Returned { wave: Some(value.to_wave()), json: value.to_json() }),
            Err(keyway_runtime::CallError::Values(error)) => {
                Err(CallError::Values { text, error, signature })
            }
            Err(keyway_runtime::CallError::NoFunction(_)) => {
                Err(CallError::NoSuchFunction { name, known: Vec::new() })
            }
            Err(keyway_runtime::CallError::Unwritable(_)) => {
                Err(CallError::NotCallable { component, name, signature })
            }
            Err(keyway_runtime::CallError::Failed(failure)) => {
                Err(CallError::Failed { component, name, failure })
            }
        }
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
            let functions = Functions { known: all.to_vec(), unread: Vec::new() };
            Chosen::find(&functions, &Asked { call, component }).map(|chosen| chosen.function)
        };
        assert_eq!(find("one.run()", None).as_ref().ok(), Some(&all[0]));
        assert_eq!(find("x:y/two.run@1.0.0()", None).as_ref().ok(), Some(&all[1]));
        assert_eq!(find("x:y/two.run@1.2.0()", None).as_ref().ok(), Some(&all[1]));
        assert_eq!(find("go()", Some("b")).as_ref().ok(), Some(&all[4]));
        for (call, code) in [
            ("two.run()", Code::AmbiguousFunction),
            ("go()", Code::AmbiguousFunction),
            ("gone()", Code::NoSuchFunction),
            ("x:y/two.run@2.0.0()", Code::NoSuchFunction),
            ("handle(1)", Code::NotCallable),
            ("go", Code::Call),
        ] {
            let error = find(call, None).expect_err(call);
            assert_eq!(error.code(), code, "{call}");
        }
    }
}
