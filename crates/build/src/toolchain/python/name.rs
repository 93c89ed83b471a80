//! What the bindings of Python call the interfaces that a world exports.

use std::collections::BTreeMap;

use wit_parser::{InterfaceId, PackageName, TypeDefKind, WorldItem, WorldKey};

use crate::{
    Language, World,
    word::{escape, snake},
};

/// Modules that are there already, or that an interpreter cannot be without: the standard library of
/// Python 3.14, and what comes with the bindings. A module of resources cannot have such a name.
const TAKEN: &str = "\
    abc annotationlib argparse array ast asyncio atexit base64 bdb binascii bisect builtins \
    bz2 calendar cmath cmd code codecs codeop collections colorsys compileall compression \
    concurrent configparser contextlib contextvars copy copyreg csv ctypes curses \
    dataclasses datetime dbm decimal difflib dis doctest email encodings ensurepip enum \
    errno faulthandler fcntl filecmp fileinput fnmatch fractions ftplib functools gc \
    genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html http \
    imaplib importlib inspect io ipaddress itertools json keyword linecache locale logging \
    lzma mailbox marshal math mimetypes mmap modulefinder multiprocessing netrc ntpath \
    numbers opcode operator optparse os pathlib pdb pickle pickletools pkgutil platform \
    plistlib poplib posix posixpath pprint profile pstats pty pwd pyclbr pydoc pyexpat queue \
    quopri random re readline reprlib resource rlcompleter runpy sched secrets select \
    selectors shelve shlex shutil signal site smtplib socket socketserver sqlite3 ssl stat \
    statistics string stringprep struct subprocess symtable sys sysconfig syslog tabnanny \
    tarfile tempfile termios test textwrap this threading time timeit token tokenize tomllib \
    trace traceback tracemalloc tty types typing unicodedata unittest urllib uuid venv \
    warnings wave weakref webbrowser wsgiref xml xmlrpc zipapp zipfile zipimport zlib \
    zoneinfo poll_loop wit_world";

/// The exported interfaces, each with its name.
#[derive(Debug)]
pub(crate) struct Names {
    /// In kebab case.
    names: BTreeMap<InterfaceId, String>,
    /// Those that are given by us, by the interface's whole name.
    given: Vec<(String, String)>,
}

impl Names {
    /// As the bindings choose them: the last part, unless several packages or versions have it. Where a
    /// resource could not be found under that, another one.
    pub(crate) fn of(world: &World) -> Self {
        let mut names = Self { names: BTreeMap::new(), given: Vec::new() };
        let exported = exported(world);
        for Interface { id, name, package } in &exported {
            let others = exported.iter().filter(|other| other.name == *name && other.id != *id);
            let others: Vec<_> = others.map(|other| other.package).collect();
            let chosen = match package {
                None => (*name).to_owned(),
                Some(package) => long(name, package, &others),
            };
            let has_resource = world.resolve.interfaces[*id]
                .types
                .values()
                .any(|ty| matches!(world.resolve.types[*ty].kind, TypeDefKind::Resource));
            let module = escape(Language::Python, &snake(&chosen));
            let chosen = if has_resource && TAKEN.split_whitespace().any(|taken| taken == module) {
                let other = match package {
                    None => format!("exported-{name}"),
                    Some(package) => format!("{}-{}-{name}", package.namespace, package.name),
                };
                names.given.push((world.interface_name(*id), other.clone()));
                other
            } else {
                chosen
            };
            names.names.insert(*id, chosen);
        }
        names
    }

    pub(crate) fn name(&self, id: InterfaceId) -> String {
        self.names.get(&id).cloned().unwrap_or_default()
    }

    /// What tells `componentize-py` of the names that we give.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let given = self.given.iter();
        given.map(|(whole, name)| format!("--export-interface-name={whole}={name}")).collect()
    }
}

/// The world with a comment for each exported resource that has neither functions nor a comment: the
/// bindings of such are a class without a body. None if it has none.
pub(crate) fn described(world: &World) -> Option<World> {
    let mut bare = Vec::new();
    for Interface { id, .. } in exported(world) {
        let interface = &world.resolve.interfaces[id];
        bare.extend(interface.types.values().copied().filter(|ty| {
            let of = &world.resolve.types[*ty];
            matches!(of.kind, TypeDefKind::Resource)
                && of.docs.contents.is_none()
                && interface
                    .functions
                    .values()
                    .all(|function| function.kind.resource() != Some(*ty))
        }));
    }
    if bare.is_empty() {
        return None;
    }
    let mut described = world.clone();
    for ty in bare {
        described.resolve.types[ty].docs.contents = Some("A resource.".to_owned());
    }
    Some(described)
}

struct Interface<'a> {
    id: InterfaceId,
    name: &'a str,
    /// None of one that is written into the world.
    package: Option<&'a PackageName>,
}

fn exported(world: &World) -> Vec<Interface<'_>> {
    let exports = world.resolve.worlds[world.id].exports.iter();
    let interfaces = exports.filter_map(|(key, item)| match (key, item) {
        (WorldKey::Name(name), WorldItem::Interface { id, .. }) => {
            Some(Interface { id: *id, name, package: None })
        }
        (WorldKey::Interface(_), WorldItem::Interface { id, .. }) => {
            let interface = &world.resolve.interfaces[*id];
            let package = interface.package.map(|package| &world.resolve.packages[package].name);
            Some(Interface { id: *id, name: interface.name.as_deref()?, package })
        }
        _ => None,
    });
    interfaces.collect()
}

/// The name of an interface of `package`, where interfaces of `others` are called so too.
fn long(name: &str, package: &PackageName, others: &[Option<&PackageName>]) -> String {
    let is_same = |other: &PackageName| {
        (&other.namespace, &other.name) == (&package.namespace, &package.name)
    };
    let whole = format!("{}-{}-{name}", package.namespace, package.name);
    match &package.version {
        Some(version) if others.iter().flatten().any(|other| is_same(other)) => {
            format!("{whole}-{}", version.to_string().replace('.', "-"))
        }
        _ if others.is_empty() => name.to_owned(),
        _ => whole,
    }
}
