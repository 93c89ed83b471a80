//! Checks of the manifest as a whole: whether names resolve, and whether links end.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    path::Path,
    sync::Arc,
};

use keyway_word::{Capability, Row, list, nearest};

use super::{Manifest, Stage, draft::Draft};
use crate::{
    Code,
    app::{App, Component},
    lack::Lack,
    name::{BackendName, ComponentName},
    place::{Place, Placed, Problem},
    trigger::{ChangeTrigger, HttpTrigger},
};

pub(super) fn check(
    mut manifest: Manifest,
    folder: &Path,
    stage: Stage,
) -> Result<App, Box<Draft>> {
    let problems = problems(&mut manifest, stage);
    let doubts = std::mem::take(&mut manifest.doubts);
    let app = app(manifest, folder);
    if problems.is_empty() { Ok(app) } else { Err(Box::new(Draft { app, doubts, problems })) }
}

/// All that is wrong, in the order of the text.
fn problems(manifest: &mut Manifest, stage: Stage) -> Vec<Problem> {
    let mut problems = std::mem::take(&mut manifest.problems);
    let has_none = manifest.declared.is_empty() && !manifest.doubts.uses;
    if stage == Stage::Finished && has_none {
        problems.push(problem(
            Code::NoComponent,
            "the manifest has no component".to_owned(),
            Some("add `[component.NAME]` with a `source`".to_owned()),
            Some(Place { text: Arc::clone(&manifest.text), span: 0..0 }),
        ));
    }
    // Unreadable parts have been reported. A name that leads to one is not a second fault, nor is
    // an unresolved name if no component could be found at all.
    let none_found = manifest.declared.is_empty() && !problems.is_empty();
    if none_found {
        manifest.doubts.uses = true;
    } else {
        let unresolved = unresolved(manifest);
        manifest.doubts.uses |=
            unresolved.iter().any(|problem| problem.code == Code::UnknownComponent);
        problems.extend(unresolved);
    }
    problems.extend(duplicate_routes(&manifest.routes));
    problems.extend(cycles(&manifest.components));
    // Unreadable parts and unresolved names would be reported again as unused parts.
    if stage == Stage::Finished && !manifest.doubts.uses {
        problems.extend(useless(manifest));
    }
    problems.sort_by_key(|problem| problem.place.as_ref().map(|place| place.span.start));
    problems
}

/// The app, without triggers that lead nowhere.
fn app(manifest: Manifest, folder: &Path) -> App {
    let components = manifest.components.into_iter();
    let components: BTreeMap<_, _> =
        components.map(|component| (component.name.clone(), component)).collect();
    let is_there = |name: &ComponentName| components.contains_key(name);
    let routes = manifest.routes.into_iter().map(|route| route.value);
    let (messages, changes) = (manifest.messages.into_iter(), manifest.changes.into_iter());
    App {
        name: manifest.name.unwrap_or_default(),
        version: manifest.version,
        idle: manifest.idle,
        folder: folder.to_owned(),
        data: folder.to_owned(),
        backends: manifest.backends,
        routes: routes.filter(|route| is_there(&route.component)).collect(),
        messages: messages.filter(|trigger| is_there(&trigger.component)).collect(),
        changes: changes.filter(|trigger| is_there(&trigger.component)).collect(),
        components,
    }
}

/// Links and triggers that lead to no component.
fn unresolved(manifest: &Manifest) -> Vec<Problem> {
    let Manifest { components, declared, routes, messages, changes, .. } = manifest;
    let names: BTreeSet<&ComponentName> = components.iter().map(|c| &c.name).collect();
    let mut problems = Vec::new();
    let mut lead = |to: &ComponentName, what: &dyn std::fmt::Display, place: &Option<Place>| {
        if !declared.contains(to.as_str()) {
            let message = format!("{what} to `{to}`, which is not a component");
            problems.push(unknown(message, to, &names, place.clone()));
        }
    };
    for component in components {
        for link in component.links.components() {
            let what = format_args!("`{}` links `{}`", component.name, link.import);
            lead(link.to, &what, link.place);
        }
    }
    for Placed { value: trigger, .. } in routes {
        let what = format_args!("the route `{}` leads", trigger.route);
        lead(&trigger.component, &what, &trigger.place);
    }
    for trigger in messages {
        let what = format_args!("messages on `{}` lead", trigger.topic);
        lead(&trigger.component, &what, &trigger.component_place);
    }
    for trigger in changes {
        let what = format_args!("changes in `{}` lead", trigger.store);
        lead(&trigger.component, &what, &trigger.component_place);
    }
    let is_sure = |trigger: &&ChangeTrigger| !manifest.doubts.links.contains(&trigger.component);
    let sure = changes.iter().filter(is_sure);
    problems.extend(sure.filter_map(|trigger| unlinked(trigger, components)));
    problems
}

/// A component can only watch a store that it may open.
fn unlinked(trigger: &ChangeTrigger, components: &[Component]) -> Option<Problem> {
    let component = components.iter().find(|component| component.name == trigger.component)?;
    let capability = Capability::Keyvalue;
    if component.links.to_open(capability, &trigger.store).is_some() {
        return None;
    }
    let (name, store) = (&trigger.component, &trigger.store);
    let message = format!("`{name}` watches `{store}`, which it cannot open");
    let lack = Lack::Link { capability, interface: capability.row().interfaces[0], name: store };
    let help = format!("link it to a store: {}", lack.line(name.as_str()));
    Some(problem(Code::UnlinkedStore, message, Some(help), trigger.place.clone()))
}

/// Parts that nothing uses, in an app that has triggers.
fn useless(manifest: &Manifest) -> Vec<Problem> {
    let Manifest { components, routes, messages, changes, .. } = manifest;
    let started = routes.iter().map(|trigger| &trigger.value.component);
    let started = started.chain(messages.iter().map(|trigger| &trigger.component));
    let roots: BTreeSet<_> =
        started.chain(changes.iter().map(|trigger| &trigger.component)).collect();
    if roots.is_empty() {
        return Vec::new();
    }
    let mut problems = unused(components, &roots);
    problems.extend(unused_backends(manifest));
    let limited = components.iter().filter(|component| component.limit_place.is_some());
    let idle = limited.filter(|component| !roots.contains(&component.name));
    problems.extend(idle.map(|component| {
        let name = &component.name;
        let message =
            format!("the limit of `{name}` has no effect: no trigger starts this component");
        let help = "limits apply to a unit; set them on the component that its trigger starts";
        problem(
            Code::LimitWithoutUnit,
            message,
            Some(help.to_owned()),
            component.limit_place.clone(),
        )
    }));
    problems
}

fn problem(code: Code, message: String, help: Option<String>, place: Option<Place>) -> Problem {
    Problem { code, message, label: None, help, place }
}

fn unknown(
    message: String,
    name: &ComponentName,
    names: &BTreeSet<&ComponentName>,
    place: Option<Place>,
) -> Problem {
    let known = names.iter().map(|name| name.as_str());
    let help = match nearest(name.as_str(), known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => match known.collect::<Vec<_>>().as_slice() {
            [] => format!("add `[component.{name}]` with a `source`"),
            [only] => format!("the only component is `{only}`"),
            all => format!("the components are {}", list(all)),
        },
    };
    problem(Code::UnknownComponent, message, Some(help), place)
}

fn duplicate_routes(triggers: &[Placed<HttpTrigger>]) -> Vec<Problem> {
    let mut first = BTreeMap::new();
    let mut problems = Vec::new();
    for Placed { value: trigger, place } in triggers {
        let key = (&trigger.host, &trigger.route, trigger.exact);
        let earlier = match first.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(place);
                continue;
            }
            Entry::Occupied(entry) => *entry.get(),
        };
        let host = trigger.host.as_ref().map(|host| format!(" of `{host}`")).unwrap_or_default();
        let line = earlier.as_ref().map_or(0, |place| place.line_column().0);
        problems.push(problem(
            Code::DuplicateRoute,
            format!("the route `{}`{host} is already defined, at line {line}", trigger.route),
            Some("each route leads to one component".to_owned()),
            place.clone(),
        ));
    }
    problems
}

/// One problem for each link that closes a cycle. Links are followed by a stack of our own: a
/// manifest may chain more of them than the thread's stack could hold.
fn cycles(components: &[Component]) -> Vec<Problem> {
    let by_name: BTreeMap<_, _> = components.iter().map(|c| (&c.name, c)).collect();
    let mut done = BTreeSet::new();
    let mut problems = Vec::new();
    for root in components {
        if done.contains(&root.name) {
            continue;
        }
        // The components on the way, each with those of its links that are still to be followed,
        // and the place of each on the way.
        let mut way = vec![(&root.name, root.links.components())];
        let mut depths = BTreeMap::from([(&root.name, 0)]);
        while let Some((name, links)) = way.last_mut() {
            let Some(link) = links.next() else {
                done.insert(*name);
                depths.remove(*name);
                way.pop();
                continue;
            };
            let to = link.to;
            if let Some(&depth) = depths.get(to) {
                let names = way[depth..].iter().map(|(name, _)| *name);
                problems.push(cycle(names.chain([to]), link.place.clone()));
            } else if let Some(next) = by_name.get(to).filter(|_| !done.contains(to)) {
                depths.insert(to, way.len());
                way.push((to, next.links.components()));
            }
        }
    }
    problems
}

fn cycle<'a>(names: impl Iterator<Item = &'a ComponentName>, place: Option<Place>) -> Problem {
    let names: Vec<_> = names.map(ComponentName::as_str).collect();
    let message = format!("the links form a cycle: {}", names.join(" -> "));
    let help = "remove one of these links: a component cannot need itself to start";
    problem(Code::LinkCycle, message, Some(help.to_owned()), place)
}

fn unused(components: &[Component], roots: &BTreeSet<&ComponentName>) -> Vec<Problem> {
    let by_name: BTreeMap<_, _> = components.iter().map(|c| (&c.name, c)).collect();
    let mut used = BTreeSet::new();
    let mut next: Vec<_> = roots.iter().copied().collect();
    while let Some(name) = next.pop() {
        if used.insert(name) {
            let links = by_name.get(name).into_iter().flat_map(|c| c.links.components());
            next.extend(links.map(|link| link.to));
        }
    }
    let unused = components.iter().filter(|component| !used.contains(&component.name));
    unused
        .map(|component| {
            problem(
                Code::UnusedComponent,
                format!("nothing uses the component `{}`", component.name),
                Some("link another component to it, give it a route, or remove it".to_owned()),
                component.place.clone(),
            )
        })
        .collect()
}

fn unused_backends(manifest: &Manifest) -> Vec<Problem> {
    let links = manifest.components.iter().flat_map(|component| component.links.backends());
    let mut used: BTreeSet<(Capability, &BackendName)> =
        links.map(|link| (link.capability, link.to)).collect();
    used.extend(manifest.messages.iter().map(|trigger| (Capability::Messaging, &trigger.from)));
    let declared = manifest.backends.iter();
    let unused = declared.filter(|((capability, name), _)| !used.contains(&(*capability, name)));
    unused
        .map(|((capability, name), backend)| {
            let Row { noun, interfaces, .. } = capability.row();
            let import = interfaces[0];
            problem(
                Code::UnusedBackend,
                format!("nothing uses the {noun} `{name}`"),
                Some(format!("link a component's `{import}` to it, or remove it")),
                backend.place.clone(),
            )
        })
        .collect()
}
