//! The checked app: what every other crate works with. It can only be had by
//! [`Manifest::check`](crate::Manifest::check), so its names resolve and its values are in range;
//! what can be understood of a wrong one is a [`Draft`](crate::Draft).

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use keyway_word::{Access, Capability};

use crate::{
    backend::{Backends, Setting},
    grant::Grant,
    limit::Limit,
    link::Links,
    name::ComponentName,
    place::{Place, Placed},
    trigger::{ChangeTrigger, HttpTrigger, MessageTrigger},
};

/// The components, links, grants and triggers of one manifest.
#[derive(Debug, Clone)]
pub struct App {
    /// The name in `[app]`, or that of the component file.
    pub name: String,
    /// The version in `[app]`, as it is written.
    pub version: Option<String>,
    /// How long it stays awake on a host of many apps when nobody calls it; as the host says, if none.
    pub idle: Option<Duration>,
    /// The folder that relative paths in the manifest start from.
    pub folder: PathBuf,
    /// The folder that those start from of what the app writes, see [`Self::keeps`]; the same, unless a
    /// host keeps data apart from what was deployed.
    pub data: PathBuf,
    /// Every component, by its name.
    pub components: BTreeMap<ComponentName, Component>,
    /// Every backend, by the capability that it is of and its name.
    pub backends: Backends,
    /// The routes that start a unit, in the order of the manifest.
    pub routes: Vec<HttpTrigger>,
    /// The messages that start a unit, in the order of the manifest.
    pub messages: Vec<MessageTrigger>,
    /// The changes in stores that start a unit, in the order of the manifest.
    pub changes: Vec<ChangeTrigger>,
}

impl App {
    /// Whether the relative `path` is, has or is in something that the app writes: a folder that a
    /// component may write to, or a backend's file.
    pub fn keeps(&self, path: &Path) -> bool {
        let grants = self.components.values().flat_map(|component| &component.grant.files);
        let folders = grants.filter(|grant| grant.access == Access::ReadWrite);
        let files = self.backends.iter().filter_map(|((capability, _), backend)| {
            let path = &backend.settings.get("path")?.value;
            match path {
                // What configures an app is its manifest's, and not its data.
                Setting::Text(path) if *capability != Capability::Config => {
                    Some(Path::new(&path.0))
                }
                _ => None,
            }
        });
        let kept = folders.map(|grant| grant.host.as_path()).chain(files);
        let path_of = |path: &Path| -> PathBuf {
            path.components().filter(|part| *part != std::path::Component::CurDir).collect()
        };
        let (is_relative, path) = (path.is_relative(), path_of(path));
        let mut kept = kept.map(path_of);
        is_relative && kept.any(|kept| kept.starts_with(&path) || path.starts_with(&kept))
    }

    /// The folder that a relative path of the manifest starts from.
    pub fn base(&self, path: &Path) -> &Path {
        if self.keeps(path) { &self.data } else { &self.folder }
    }

    /// The app of a single component, which answers every route. A name that cannot be a
    /// component's becomes one that can.
    pub fn of_component(name: &str, path: PathBuf, grant: Grant, limit: Limit) -> Self {
        let name = ComponentName::of_file(name);
        let source = Placed { value: Source::Path(path), place: None };
        let component = Component { grant, limit, ..Component::new(name.clone(), source, None) };
        let trigger = HttpTrigger {
            host: None,
            route: "/".to_owned(),
            exact: false,
            component: name.clone(),
            spin: None,
            place: None,
        };
        Self {
            name: name.to_string(),
            version: None,
            idle: None,
            folder: PathBuf::new(),
            data: PathBuf::new(),
            components: BTreeMap::from([(name, component)]),
            backends: Backends::new(),
            routes: vec![trigger],
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
                open.extend(component.links.components().map(|link| link.to));
            }
        }
        let (routes, messages, changes) = Default::default();
        Self { components, routes, messages, changes, ..self.clone() }
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
        let routes = self.routes.iter().map(|trigger| &trigger.component);
        routes.chain(messages).chain(changes).collect()
    }

    /// What starts its units, in words, each with the root of the unit: routes, then messages, then
    /// changes.
    pub fn starts(&self) -> Vec<(String, &ComponentName)> {
        let routes = self.routes.iter().map(|HttpTrigger { host, route, component, .. }| {
            (format!("{}{route}", host.as_deref().unwrap_or_default()), component)
        });
        let messages =
            self.messages.iter().map(|MessageTrigger { from, topic, component, .. }| {
                (format!("messages on {topic} of {from}"), component)
            });
        let changes =
            self.changes.iter().map(|ChangeTrigger { store, prefix, component, .. }| {
                (format!("changes to {prefix}* in {store}"), component)
            });
        routes.chain(messages).chain(changes).collect()
    }

    /// Whether nothing starts any of its units.
    pub fn is_idle(&self) -> bool {
        self.routes.is_empty() && self.messages.is_empty() && self.changes.is_empty()
    }
}

/// One component of an app, before its bytes are read.
#[derive(Debug, Clone)]
pub struct Component {
    /// Its name in the manifest.
    pub name: ComponentName,
    /// Where its bytes come from.
    pub source: Placed<Source>,
    /// What satisfies its imports.
    pub links: Links,
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

impl Component {
    /// A component without links and grants.
    pub(crate) fn new(name: ComponentName, source: Placed<Source>, place: Option<Place>) -> Self {
        Self {
            name,
            source,
            links: Links::default(),
            grant: Grant::default(),
            limit: Limit::default(),
            limit_place: None,
            reuse_place: None,
            world: None,
            place,
        }
    }
}

/// Where a component's bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A `.wasm` file, or a folder that holds a built component.
    Path(PathBuf),
    /// An OCI reference, `oci://registry/repository:tag`.
    Oci(String),
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
            let [trigger] = app.routes.as_slice() else { panic!("there is one trigger") };
            assert_eq!((trigger.route.as_str(), &trigger.host), ("/", &None));
            let component = &app.components[&trigger.component];
            assert_eq!(component.name.as_str(), expected);
            assert_eq!(component.source.value, Source::Path(PathBuf::from("x.wasm")));
        }
    }
}
