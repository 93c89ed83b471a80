//! The checked app: what every other crate works with. It can only be had by
//! [`Manifest::check`](crate::Manifest::check), so its names resolve and its values are in range;
//! what is understood of a wrong one is a [`Draft`](crate::Draft).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
    time::Duration,
};

use crate::{
    backend::{Backend, BackendName},
    grant::Grant,
    keyvalue::{ChangeTrigger, StoreLink},
    messaging::MessageTrigger,
    place::{Place, Placed},
    sql::DatabaseLink,
};

/// The components, links, grants and triggers of one manifest.
#[derive(Debug, Clone)]
pub struct App {
    /// The name in `[app]`, or that of the component file.
    pub name: String,
    /// The version in `[app]`, as it is written.
    pub version: Option<String>,
    /// The folder that relative paths in the manifest start from.
    pub folder: PathBuf,
    /// Every component, by its name.
    pub components: BTreeMap<ComponentName, Component>,
    /// Every store of keys and values, by its name.
    pub stores: BTreeMap<BackendName, Backend>,
    /// Every place for containers of objects, by its name.
    pub blobs: BTreeMap<BackendName, Backend>,
    /// Every broker of messages, by its name.
    pub brokers: BTreeMap<BackendName, Backend>,
    /// Every configuration, by its name.
    pub configs: BTreeMap<BackendName, Backend>,
    /// Every database, by its name.
    pub databases: BTreeMap<BackendName, Backend>,
    /// What starts a unit, in the order of the manifest.
    pub triggers: Vec<HttpTrigger>,
    /// The messages that start a unit, in the order of the manifest.
    pub messages: Vec<MessageTrigger>,
    /// The changes in stores that start a unit, in the order of the manifest.
    pub changes: Vec<ChangeTrigger>,
}

impl App {
    /// The app of a single component, which answers every route. A name that cannot be a
    /// component's becomes one that can.
    pub fn of_component(name: &str, path: PathBuf, grant: Grant, limit: Limit) -> Self {
        let words = name.to_lowercase();
        let words = words.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<_> = words
            .filter(|word| word.starts_with(|first: char| first.is_ascii_lowercase()))
            .collect();
        let name = ComponentName::new(&words.join("-"))
            .unwrap_or_else(|_| ComponentName("component".to_owned()));
        let component = Component {
            name: name.clone(),
            source: Placed { value: Source::Path(path), place: None },
            links: BTreeMap::new(),
            stores: BTreeMap::new(),
            blobs: BTreeMap::new(),
            brokers: BTreeMap::new(),
            config: None,
            databases: BTreeMap::new(),
            grant,
            limit,
            limit_place: None,
            reuse_place: None,
            world: None,
            place: None,
        };
        let trigger = HttpTrigger {
            host: None,
            route: "/".to_owned(),
            exact: false,
            component: name.clone(),
            place: None,
        };
        Self {
            name: name.to_string(),
            version: None,
            folder: PathBuf::new(),
            components: BTreeMap::from([(name, component)]),
            stores: BTreeMap::new(),
            blobs: BTreeMap::new(),
            brokers: BTreeMap::new(),
            configs: BTreeMap::new(),
            databases: BTreeMap::new(),
            triggers: vec![trigger],
            messages: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// The app of one of its components and of all that this is linked to, with no triggers.
    #[must_use]
    pub fn of_root(&self, root: &ComponentName) -> Self {
        let mut components = BTreeMap::new();
        let mut open = vec![root];
        while let Some(name) = open.pop() {
            if let Some(component) = self.components.get(name)
                && components.insert(name.clone(), component.clone()).is_none()
            {
                open.extend(component.links.values().map(|link| &link.value.to));
            }
        }
        let (triggers, messages, changes) = Default::default();
        Self { components, triggers, messages, changes, ..self.clone() }
    }

    /// The component of this name.
    pub fn component(&self, name: &ComponentName) -> Option<&Component> {
        self.components.get(name)
    }

    /// The components that triggers start, each the root of a unit. None in an app without
    /// triggers.
    pub fn unit_roots(&self) -> BTreeSet<&ComponentName> {
        let messages = self.messages.iter().map(|trigger| &trigger.component);
        let changes = self.changes.iter().map(|trigger| &trigger.component);
        let routes = self.triggers.iter().map(|trigger| &trigger.component);
        routes.chain(messages).chain(changes).collect()
    }

    /// What starts its units, in words, each with the root of the unit: routes, then messages, then
    /// changes.
    pub fn starts(&self) -> Vec<(String, &ComponentName)> {
        let routes = self.triggers.iter().map(|HttpTrigger { host, route, component, .. }| {
            (format!("{}{route}", host.as_deref().unwrap_or_default()), component)
        });
        let messages =
            self.messages.iter().map(|MessageTrigger { from, topic, component, .. }| {
                (format!("messages on {topic} of {from}"), component)
            });
        let changes =
            self.changes.iter().map(|ChangeTrigger { store, prefix, component, .. }| {
                (format!("changes of {prefix}* in {store}"), component)
            });
        routes.chain(messages).chain(changes).collect()
    }

    /// Whether nothing starts any of its units.
    pub fn is_idle(&self) -> bool {
        self.triggers.is_empty() && self.messages.is_empty() && self.changes.is_empty()
    }
}

/// One component of an app, before its bytes are read.
#[derive(Debug, Clone)]
pub struct Component {
    /// Its name in the manifest.
    pub name: ComponentName,
    /// Where its bytes come from.
    pub source: Placed<Source>,
    /// What meets its imports: from the name of the import to the link.
    pub links: BTreeMap<ImportName, Placed<Link>>,
    /// The stores of keys and values that it may open: from the name that it opens to the link.
    pub stores: BTreeMap<String, Placed<StoreLink>>,
    /// The places of the containers that it may use: from a container's name to the link, or from
    /// `default` for all others.
    pub blobs: BTreeMap<String, Placed<StoreLink>>,
    /// The brokers that it may connect to, by the names that it gives.
    pub brokers: BTreeMap<String, Placed<BackendName>>,
    /// The configuration that it reads.
    pub config: Option<Placed<BackendName>>,
    /// The databases that it may open: from the name that it opens to the link.
    pub databases: BTreeMap<String, Placed<DatabaseLink>>,
    /// What it may reach.
    pub grant: Grant,
    /// The limits of the unit of which it is the root.
    pub limit: Limit,
    /// The place of its limits in the manifest, if they stand there.
    pub limit_place: Option<Place>,
    /// The place of its `instances` in the manifest, if they stand there.
    pub reuse_place: Option<Place>,
    /// The WIT world that it is built for, where its project has several.
    pub world: Option<String>,
    /// The place of its table in the manifest; none for an app of one file.
    pub place: Option<Place>,
}

/// Where a component's bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A `.wasm` file, or a folder that holds a built component.
    Path(PathBuf),
    /// An OCI reference, `oci://registry/repository:tag`.
    Oci(String),
}

/// What meets one import of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The component that exports the interface.
    pub to: ComponentName,
}

/// An HTTP route that starts a unit.
#[derive(Debug, Clone)]
pub struct HttpTrigger {
    /// The host name that the request must be for; any, if none.
    pub host: Option<String>,
    /// The path prefix, beginning with `/`, without a trailing `/` (but for the root).
    pub route: String,
    /// Whether it is for that path alone, and not for those below it.
    pub exact: bool,
    /// The root of the unit that answers.
    pub component: ComponentName,
    /// Where the trigger names its component; none for an app of one file.
    pub place: Option<Place>,
}

/// What one unit may use. Every field has a default that protects the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Bytes of linear memory, summed over all memories of an instance. 128 MiB.
    pub memory_bytes: u64,
    /// Table elements, summed over all tables of an instance. 100,000.
    pub table_elements: usize,
    /// Core instances that one instance of the unit may make. 256.
    pub instances: usize,
    /// Wall-clock time from the request's start until its answer is complete. 30 s.
    pub time: Duration,
    /// Time spent inside WebAssembly code, at the grain of 10 ms. 10 s.
    pub cpu: Duration,
    /// Bytes of a request's body. Unlimited if none, which is the default: bodies are streamed.
    pub body_bytes: Option<u64>,
    /// Requests that run at the same time. 256.
    pub concurrency: usize,
    /// Requests that wait beyond those, before the next is refused. 1,024.
    pub queue: usize,
    /// How far one instance is used.
    pub reuse: Reuse,
}

/// How many requests an instance of a unit answers. Each gets a fresh one by default, which knows
/// nothing of other requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reuse {
    /// In all, before it is dropped. 1.
    pub requests: usize,
    /// At once, by asynchronous calls of the component model. 1.
    pub concurrent: usize,
    /// How long it waits for a request before it is dropped. 1 s.
    pub idle: Duration,
}

impl Default for Reuse {
    fn default() -> Self {
        Self { requests: 1, concurrent: 1, idle: Duration::from_secs(1) }
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            memory_bytes: 128 << 20,
            table_elements: 100_000,
            instances: 256,
            time: Duration::from_secs(30),
            cpu: Duration::from_secs(10),
            body_bytes: None,
            concurrency: 256,
            queue: 1024,
            reuse: Reuse::default(),
        }
    }
}

/// The name of a component in its app: kebab-case, as it is written in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentName(pub(crate) String);

/// Why a text is no [`ComponentName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no component's name: it has to be words of lower-case letters and digits, each beginning with a letter, with `-` between them, 64 characters at most"
)]
pub struct ComponentNameError(String);

impl ComponentName {
    /// A name in kebab case, as WIT has it for labels.
    ///
    /// # Errors
    /// If `text` is none.
    pub fn new(text: &str) -> Result<Self, ComponentNameError> {
        if is_kebab(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ComponentNameError(text.to_owned()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Words of lower-case letters and digits, each beginning with a letter, with `-` between them.
pub(crate) fn is_kebab(text: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    text.len() <= 64 && text.split('-').all(word)
}

impl fmt::Display for ComponentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of an import as the manifest gives it: `namespace:package/interface`, with or without
/// `@version`, or a plain name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImportName(pub(crate) String);

/// Why a text is no [`ImportName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no import: it has to be `namespace:package/interface`, perhaps with `@version`, or a plain name"
)]
pub struct ImportNameError(String);

impl ImportName {
    /// The name of an interface, or a plain name.
    ///
    /// # Errors
    /// If `text` is neither.
    pub fn new(text: &str) -> Result<Self, ImportNameError> {
        let word = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let (path, version) = text.split_once('@').map_or((text, None), |(p, v)| (p, Some(v)));
        let is_version = version.is_none_or(|version| {
            !version.is_empty()
                && version.bytes().all(|b| b.is_ascii_alphanumeric() || b".-+".contains(&b))
        });
        let is_path = match path.split_once('/') {
            None => word(path),
            Some((package, interface)) => {
                package.split_once(':').is_some_and(|(n, p)| word(n) && p.split(':').all(word))
                    && word(interface)
            }
        };
        let is_name = is_version && is_path;
        if is_name { Ok(Self(text.to_owned())) } else { Err(ImportNameError(text.to_owned())) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImportName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn the_app_of_a_file_has_a_proper_name() {
        let cases = [
            ("gateway", "gateway"),
            ("Log_Gateway", "log-gateway"),
            ("gateway.v2", "gateway-v2"),
            ("2fast gateway", "gateway"),
            ("--", "component"),
            ("", "component"),
            ("接口", "component"),
            (&"a".repeat(65), "component"),
        ];
        for (given, expected) in cases {
            let app = App::of_component(
                given,
                PathBuf::from("x.wasm"),
                Grant::default(),
                Limit::default(),
            );
            assert_eq!(app.name, expected, "{given:?}");
            let [trigger] = app.triggers.as_slice() else { panic!("there is one trigger") };
            assert_eq!((trigger.route.as_str(), &trigger.host), ("/", &None));
            let component = &app.components[&trigger.component];
            assert_eq!(component.name.as_str(), expected);
            assert_eq!(component.source.value, Source::Path(PathBuf::from("x.wasm")));
        }
    }

    #[test]
    fn a_components_name_is_kebab_case() {
        for name in ["a", "log-gateway", "v2", "a1-b2", &"a".repeat(64)] {
            assert!(ComponentName::new(name).is_ok(), "{name}");
        }
        let long = "a".repeat(65);
        for name in ["", "-", "a-", "-a", "a--b", "A", "a_b", "2a", "a-2", "é", "a b", &long] {
            assert!(ComponentName::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_imports_name_is_an_interface_or_a_plain_name() {
        for name in ["shop:cart/store", "shop:cart/store@1.2.3-rc.1+5", "a:b:c/d", "store"] {
            assert!(ImportName::new(name).is_ok(), "{name}");
        }
        for name in ["", "shop/store", "shop:cart", "shop:cart/", "shop:cart/a/b", "store@", ":/"] {
            assert!(ImportName::new(name).is_err(), "{name}");
        }
    }
}
