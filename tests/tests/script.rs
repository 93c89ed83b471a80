//! What users of JavaScript and Python do with packages, keys, random numbers, errors and resources.
//!
//! Building a component with an interpreter takes long: one project in each language holds all cases.

use std::{fs, path::Path};

use keyway_testing::{Finished, finish_in};
use tempfile::TempDir;

/// What each project exports, beside functions of its own.
const COUNTERS: &str = "package test:script;

interface counters {
    resource counter {
        constructor(start: u32);
        add: func(by: u32) -> u32;
        get: func() -> u32;
        join: static func(a: counter, b: borrow<counter>) -> counter;
        parse: static func(text: string) -> result<counter, string>;
    }

    sum: func(of: list<counter>) -> u32;
    back: func(counter: counter) -> counter;
    dropped: func() -> u32;
}

";

/// What calls them.
const CALLER: &str = "world driver {
    import counters;
    export drive: func() -> list<u32>;
}
";

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("it is in a folder")).expect("made");
    fs::write(path, text).expect("written");
}

fn succeed(folder: &Path, arguments: &[&str]) -> Finished {
    let finished = finish_in(folder, arguments);
    assert_eq!(finished.code, Some(0), "{}\n{}", finished.stdout, finished.stderr);
    finished
}

/// What a function of a component returns.
fn call(folder: &Path, component: &str, text: &str) -> String {
    succeed(folder, &["call", component, text]).stdout.trim_end().to_owned()
}

/// The words that are told, without the bars and breaks of long lines.
fn told(finished: &Finished) -> String {
    let words: Vec<_> = finished.stderr.split_whitespace().filter(|word| *word != "│").collect();
    words.join(" ")
}

const DRIVER: &str = r#"#include "driver.h"

#include <stdlib.h>

typedef test_script_counters_own_counter_t own;
typedef test_script_counters_borrow_counter_t borrowed;

#define NEW test_script_counters_constructor_counter
#define BORROW test_script_counters_borrow_counter

static uint32_t get(own of) {
    return test_script_counters_method_counter_get(BORROW(of));
}

void exports_driver_drive(driver_list_u32_t *ret) {
    uint32_t *out = malloc(16 * sizeof *out);
    size_t count = 0;
    own one = NEW(1), two = NEW(20), three = NEW(300);
    out[count++] = test_script_counters_method_counter_add(BORROW(one), 1);
    /* The number of the one that is given away is that of no other. */
    own joined = test_script_counters_static_counter_join(two, BORROW(one));
    own again = test_script_counters_static_counter_join(three, BORROW(one));
    out[count++] = get(joined);
    out[count++] = get(again);
    out[count++] = get(one);
    /* As many as it takes to meet a number for a second time. */
    for (uint32_t i = 0; i < 50; i++) {
        own list[2] = {NEW(i), NEW(1)};
        test_script_counters_list_own_counter_t of = {list, 2};
        out[count] = test_script_counters_sum(&of);
    }
    count++;
    one = test_script_counters_back(one);
    out[count++] = get(one);
    driver_string_t text;
    driver_string_set(&text, "7");
    own parsed;
    driver_string_t error;
    out[count++] = test_script_counters_static_counter_parse(&text, &parsed, &error) ? get(parsed) : 0;
    driver_string_set(&text, "x");
    out[count++] =
        test_script_counters_static_counter_parse(&text, &parsed, &error) ? 0 : (uint32_t)error.len;
    uint32_t before = test_script_counters_dropped();
    test_script_counters_counter_drop_own(joined);
    test_script_counters_counter_drop_own(one);
    out[count++] = test_script_counters_dropped() - before;
    out[count++] = get(again);
    ret->ptr = out;
    ret->len = count;
}
"#;

/// Calls the resources of the project `script` from C, as another component does. Of those that it drops
/// the project sees so many.
fn drives(folder: &Path, dropped: u32) {
    write(folder, "driver/wit/world.wit", &(COUNTERS.to_owned() + CALLER));
    write(folder, "driver/src/driver.c", DRIVER);
    write(
        folder,
        "keyway.toml",
        "[app]\nname = \"counters\"\n\n[component.driver]\nsource = \"driver\"\n\
         link.\"test:script/counters\" = \"script\"\n\n[component.script]\nsource = \"script\"\n",
    );
    succeed(folder, &["build", "driver"]);
    let expected = format!("[2, 22, 302, 2, 50, 2, 7, 4, {dropped}, 302]");
    assert_eq!(call(folder, ".", "drive()"), expected);
}

/// A folder with the WIT of a project in `script`, which exports these functions besides.
fn folder(functions: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let world = format!("world script {{\n    export counters;\n{functions}\n}}\n");
    write(folder.path(), "script/wit/script.wit", &(COUNTERS.to_owned() + &world));
    folder
}

const JAVASCRIPT: &str = r"
import { platform } from 'chosen';
import { half } from 'odd';
import { thrown } from './thrown.js';

let dropped = 0;

class Counter {
  constructor(start) {
    this.count = start;
  }

  add(by) {
    return (this.count += by);
  }

  get() {
    return this.count;
  }

  static join(a, b) {
    return new Counter(a.count + b.count);
  }

  static parse(text) {
    if (!/^[0-9]+$/.test(text)) throw 'none';
    return new Counter(Number(text));
  }

  [Symbol.dispose]() {
    dropped += 1;
  }
}

export const counters = {
  Counter,
  sum: (of) => of.reduce((sum, counter) => sum + counter.count, 0),
  back: (counter) => counter,
  dropped: () => dropped,
};

export function packages() {
  return [platform, half, process.env.NODE_ENV, typeof global];
}

export function random() {
  return [crypto.randomUUID(), String(Math.random())];
}

export async function sign(key) {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const imported = await crypto.subtle.importKey('pkcs8', key, algorithm, false, ['sign']);
  return (await crypto.subtle.sign(algorithm, imported, new Uint8Array(3))).byteLength;
}

export async function ask() {
  try {
    await fetch('http://127.0.0.1:1/');
  } catch (error) {
    return error.message;
  }
}

export function fail(loudly) {
  try {
    return thrown();
  } catch (error) {
    if (loudly) throw error;
    return error.stack;
  }
}
";

/// A key of 1024 bits that was made for this test: short to write, and too short to use.
const KEY: &str = include_str!("script/key.txt");

#[test]
fn javascript_has_packages_keys_random_numbers_errors_and_resources() {
    let functions = "    export packages: func() -> list<string>;\n    \
                     export random: func() -> list<string>;\n    \
                     export sign: func(key: list<u8>) -> u32;\n    export ask: func() -> string;\n    \
                     export fail: func(loudly: bool) -> string;";
    let folder = folder(functions);
    let folder = folder.path();
    write(folder, "script/package.json", r#"{ "type": "module" }"#);
    // One package has a condition for engines without Node.js, and the other a field.
    let chosen =
        r#"{ "name": "chosen", "exports": { "browser": "./web.js", "default": "./node.js" } }"#;
    write(folder, "script/node_modules/chosen/package.json", chosen);
    write(folder, "script/node_modules/chosen/web.js", "export const platform = 'web';\n");
    write(folder, "script/node_modules/chosen/node.js", "export * from 'node:os';\n");
    let odd = r#"{ "name": "odd", "main": "main.js", "browser": { "./inner.js": false } }"#;
    write(folder, "script/node_modules/odd/package.json", odd);
    let main = "const inner = require('./inner.js');\nexports.half = inner.half ?? 'without';\n";
    write(folder, "script/node_modules/odd/main.js", main);
    write(folder, "script/node_modules/odd/inner.js", "module.exports = require('node:util');\n");
    let thrown = "// Why.\n\n\nexport function thrown() {\n  throw new Error('on purpose');\n}\n";
    write(folder, "script/src/thrown.js", thrown);
    write(folder, "script/src/index.js", JAVASCRIPT);
    let built = told(&succeed(folder, &["build", "--debug", "script"]));
    assert!(built.contains("does not import `wasi:http/outgoing-handler`"), "{built}");

    let script = "script/script.wasm";
    let packages = call(folder, script, "packages()");
    assert_eq!(packages, r#"["web", "without", "development", "object"]"#);
    assert_ne!(call(folder, script, "random()"), call(folder, script, "random()"));
    assert_eq!(call(folder, script, &format!("sign([{}])", KEY.trim())), "128");
    assert!(call(folder, script, "ask()").contains("import wasi:http/outgoing-handler"));
    let stack = call(folder, script, "fail(false)");
    assert!(stack.contains("thrown@src/thrown.js:5:9"), "{stack}");
    let failed = finish_in(folder, ["call", script, "fail(true)"]);
    assert!(failed.stderr.contains("Error: on purpose"), "{}", failed.stderr);
    assert!(failed.stderr.contains("at thrown@src/thrown.js:5:9"), "{}", failed.stderr);
    drives(folder, 2);

    write(folder, "script/src/thrown.js", &(thrown.to_owned() + "\nmissing.f();\n"));
    let failed = finish_in(folder, ["build", "script"]);
    assert_eq!(failed.code, Some(1));
    assert!(failed.stderr.contains("src/thrown.js:8:1"), "{}", failed.stderr);
}

const PYTHON: &str = r"
import random
import wit_world
from wit_world import exports

import counters
import half


class Counters(exports.Counters):
    def sum(self, of):
        return sum(counter.count for counter in of)

    def back(self, counter):
        return counter

    def dropped(self):
        return counters.Counter.dropped


class WitWorld(wit_world.WitWorld):
    def packages(self):
        import decimal
        from datetime import datetime

        year = datetime.strptime('2001', '%Y').year
        return [half.NAME, str(decimal.Decimal(year)), 'ä'.encode('cp1252').hex(), half.later()]

    def random(self):
        return [str(random.random())]
";

const PYTHON_COUNTERS: &str = r"
from componentize_py_types import Err
from wit_world.exports import counters


class Counter(counters.Counter):
    dropped = 0

    def __init__(self, start):
        self.count = start

    def add(self, by):
        self.count += by
        return self.count

    def get(self):
        return self.count

    @classmethod
    def join(cls, a, b):
        return cls(a.count + b.count)

    @classmethod
    def parse(cls, text):
        if not text.isdigit():
            raise Err('none')
        return cls(int(text))

    def __del__(self):
        Counter.dropped += 1
";

#[test]
fn python_has_packages_imports_random_numbers_and_resources() {
    let functions = "    export packages: func() -> list<string>;\n    \
                     export random: func() -> list<string>;";
    let folder = folder(functions);
    let folder = folder.path();
    write(folder, "script/app.py", PYTHON);
    write(folder, "script/counters.py", PYTHON_COUNTERS);
    let failed = told(&finish_in(folder, ["build", "script"]));
    for words in ["File \"app.py\", line 7", "No module named 'half'", ".venv/bin/pip install half"]
    {
        assert!(failed.contains(words), "{words}: {failed}");
    }

    let site = "script/.venv/lib/python3.13/site-packages";
    write(folder, "script/.venv/pyvenv.cfg", "");
    write(
        folder,
        &format!("{site}/half/__init__.py"),
        "NAME = 'half'\ndef later():\n    from .later import NAME\n    return NAME\n",
    );
    write(folder, &format!("{site}/half/later.py"), "NAME = 'later'\n");
    write(folder, &format!("{site}/half-1.0.dist-info/RECORD"), "half/__init__.py,,\n");
    succeed(folder, &["build", "script"]);
    let script = "script/script.wasm";
    assert_eq!(call(folder, script, "packages()"), r#"["half", "2001", "e4", "later"]"#);
    assert_ne!(call(folder, script, "random()"), call(folder, script, "random()"));
    drives(folder, 0);

    let fresh = told(&succeed(folder, &["build", "script"]));
    assert!(fresh.contains("script is up to date"), "{fresh}");
    write(folder, &format!("{site}/half-1.0.dist-info/RECORD"), "half/new.py,,\n");
    write(folder, &format!("{site}/half/__init__.py"), "def f(:\n");
    let failed = told(&finish_in(folder, ["build", "script"]));
    assert!(failed.contains("half/__init__.py\", line 1"), "{failed}");
}
