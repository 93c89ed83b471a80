//! Which file needs which, and the cycles of that.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use petgraph::{
    algo::tarjan_scc,
    graph::{DiGraph, NodeIndex},
};

use super::scan::{File, Module, Names};

/// A file needs another, for these names.
#[derive(Debug)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) names: BTreeSet<String>,
}

/// How many re-exports of re-exports are followed.
const MAX_FOLLOWED: usize = 16;

/// The modules of a crate by their paths, each with its file.
struct Modules<'a>(HashMap<&'a [String], (usize, &'a Module)>);

/// The arrows between the files of a crate.
pub(super) fn arrows(files: &[File]) -> Vec<Arrow> {
    let modules = files.iter().enumerate().flat_map(|(index, file)| {
        file.modules.iter().map(move |module| (&module.path[..], (index, module)))
    });
    let all = Modules(modules.collect());
    let mut found: BTreeMap<(usize, usize), BTreeSet<String>> = BTreeMap::new();
    for (from, file) in files.iter().enumerate() {
        for (to, name) in file.modules.iter().flat_map(|module| all.needs(module)) {
            if to != from && !is_part(file, &files[to]) {
                found.entry((from, to)).or_default().insert(name);
            }
        }
    }
    found.into_iter().map(|((from, to), names)| Arrow { from, to, names }).collect()
}

/// Whether a file is a part of what another tells. All are of the crate's root, which does not count.
fn is_part(file: &File, of: &File) -> bool {
    let whole = &of.modules[0].path;
    !whole.is_empty() && file.modules[0].path.starts_with(whole)
}

impl Modules<'_> {
    /// The files that a module needs, and for what.
    fn needs(&self, module: &Module) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        // What is needed only where the code names it: modules, and what is re-exported.
        let mut names: HashMap<&str, Names> = HashMap::new();
        for import in &module.imports {
            let Some(path) = self.absolute(module, &import.path) else { continue };
            let is_passed_on = import.is_public && path.starts_with(&module.path);
            match &import.name {
                Some(name) if is_passed_on || self.0.contains_key(&path[..]) => {
                    names.insert(name, path);
                }
                None if is_passed_on => {}
                _ => found.extend(self.find(&path, 0)),
            }
        }
        for path in &module.paths {
            let full = match names.get(path[0].as_str()) {
                Some(known) => Some([known, &path[1..]].concat()),
                // A name alone is one of this module, or a variable.
                None if path.len() == 1 => None,
                None => self.absolute(module, path),
            };
            if let Some(full) = full.filter(|full| !self.0.contains_key(&full[..])) {
                found.extend(self.find(&full, 0));
            }
        }
        found
    }

    /// The path from the root of the crate; none if it leads out of that.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Names> {
        let first = path.first()?;
        if !["crate", "self", "super"].contains(&first.as_str()) {
            return module.children.contains(first).then(|| [&module.path, path].concat());
        }
        let mut base = module.path.clone();
        let mut rest = path;
        while let Some(first) = rest.first() {
            match first.as_str() {
                "crate" => base.clear(),
                "super" => drop(base.pop()?),
                "self" => {}
                _ => break,
            }
            rest = &rest[1..];
        }
        Some([&base, rest].concat())
    }

    /// The file that defines what is at this path, and its name.
    fn find(&self, path: &[String], followed: usize) -> Option<(usize, String)> {
        let known = |depth: usize| Some((depth, *self.0.get(&path[..depth])?));
        let (depth, (file, module)) = (0..=path.len()).rev().find_map(known)?;
        let Some(name) = path.get(depth) else { return Some((file, "*".to_owned())) };
        let mut imports = module.imports.iter();
        if let Some(import) = imports.find(|import| import.name.as_ref() == Some(name))
            && let Some(target) = self.absolute(module, &import.path)
            && followed < MAX_FOLLOWED
        {
            return self.find(&[&target, &path[depth + 1..]].concat(), followed + 1);
        }
        Some((file, name.clone()))
    }
}

/// Things that depend on each other: modules beside each other, each with what lies in its folder.
#[derive(Debug)]
pub(super) struct Cycle<'a> {
    /// The modules' paths.
    pub(super) members: Vec<String>,
    /// What ties them.
    pub(super) arrows: Vec<&'a Arrow>,
}

/// The arrows between modules that lie beside each other, by the paths of the modules.
type Between<'f, 'a> = BTreeMap<(&'f [String], &'f [String]), Vec<&'a Arrow>>;

/// The cycles of a crate. Each is found where its modules lie beside each other.
pub(super) fn cycles<'a>(files: &[File], arrows: &'a [Arrow]) -> Vec<Cycle<'a>> {
    let path = |file: usize| &files[file].modules[0].path;
    // The modules on both ends that lie beside each other, and the arrows between them.
    let mut levels: BTreeMap<&[String], Between<'_, 'a>> = BTreeMap::new();
    for arrow in arrows {
        let (from, to) = (path(arrow.from), path(arrow.to));
        let shared = from.iter().zip(to).take_while(|(one, other)| one == other).count();
        let ends = (&from[..from.len().min(shared + 1)], &to[..to.len().min(shared + 1)]);
        levels.entry(&from[..shared]).or_default().entry(ends).or_default().push(arrow);
    }
    levels.into_values().flat_map(|between| cycles_beside(&between)).collect()
}

/// The cycles of modules that lie beside each other.
fn cycles_beside<'a>(between: &BTreeMap<(&[String], &[String]), Vec<&'a Arrow>>) -> Vec<Cycle<'a>> {
    let mut graph = DiGraph::new();
    let mut nodes = BTreeMap::new();
    for &(from, to) in between.keys() {
        let [from, to] =
            [from, to].map(|end| *nodes.entry(end).or_insert_with(|| graph.add_node(end)));
        graph.add_edge(from, to, ());
    }
    let groups = tarjan_scc(&graph).into_iter().filter(|group| group.len() > 1);
    let cycle = |group: Vec<NodeIndex>| {
        let ends: BTreeSet<&[String]> = group.iter().map(|node| graph[*node]).collect();
        let inner =
            between.iter().filter(|((from, to), _)| ends.contains(from) && ends.contains(to));
        let name = |end: &&[String]| match end.join("::") {
            root if root.is_empty() => "the root".to_owned(),
            name => name,
        };
        Cycle {
            members: ends.iter().map(name).collect(),
            arrows: inner.flat_map(|(_, arrows)| arrows.iter().copied()).collect(),
        }
    };
    groups.map(cycle).collect()
}
