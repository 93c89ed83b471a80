//! TOML tables and values with their places: values are read by name and type, and problems are
//! reported where they are.

use crate::Code;
use std::{cell::RefCell, ops::Range, sync::Arc};

use keyway_word::{list, nearest};
use toml_edit::{Item, Key, TableLike, Value as Toml};

use crate::place::{Place, Problem, Text};

/// Gathers the problems of one manifest.
pub(crate) struct Reader {
    text: Arc<Text>,
    problems: RefCell<Vec<Problem>>,
}

impl Reader {
    pub(crate) fn new(text: Arc<Text>) -> Self {
        Self { text, problems: RefCell::default() }
    }

    pub(crate) fn root<'a>(&'a self, table: &'a toml_edit::Table) -> Table<'a> {
        Table { reader: self, table, path: String::new(), span: None }
    }

    pub(crate) fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// How many problems there are so far: a reader can tell whether everything it read was right.
    pub(crate) fn told(&self) -> usize {
        self.problems.borrow().len()
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    pub(crate) fn place(&self, span: Option<Range<usize>>) -> Option<Place> {
        span.map(|span| Place { text: Arc::clone(&self.text), span })
    }

    pub(crate) fn problem(
        &self,
        code: Code,
        message: String,
        span: Option<Range<usize>>,
    ) -> Problem {
        Problem { code, message, label: None, help: None, place: self.place(span) }
    }
}

/// A table, dotted, inline or with a header.
#[derive(Clone)]
pub(crate) struct Table<'a> {
    reader: &'a Reader,
    table: &'a dyn TableLike,
    /// How the manifest names it, such as `component.gateway.grant`.
    path: String,
    span: Option<Range<usize>>,
}

/// A value with its key.
#[derive(Clone)]
pub(crate) struct Value<'a> {
    reader: &'a Reader,
    item: Found<'a>,
    /// How the manifest names it.
    pub(crate) path: String,
    key_span: Option<Range<usize>>,
}

#[derive(Clone, Copy)]
enum Found<'a> {
    Item(&'a Item),
    Element(&'a Toml),
}

impl<'a> Table<'a> {
    pub(crate) fn place(&self) -> Option<Place> {
        self.reader.place(self.span.clone())
    }

    /// Reports every key that is none of `known`, with the nearest of them.
    pub(crate) fn only(&self, known: &[&str]) {
        self.only_of(known, &[]);
    }

    /// The same, where keys were called otherwise before, each with what it is called instead.
    pub(crate) fn only_of(&self, known: &[&str], renamed: &[(&str, &str)]) {
        for (key, _) in self.table.iter() {
            if known.contains(&key) {
                continue;
            }
            let place = if self.path.is_empty() {
                "at the top level of the manifest".to_owned()
            } else {
                format!("in `{}`", self.path)
            };
            let mut problem = self.reader.problem(
                Code::UnknownKey,
                format!("there is no key `{key}` {place}"),
                self.key(key).and_then(Key::span),
            );
            problem.label = Some("unknown key".to_owned());
            let renamed = renamed.iter().find(|(before, _)| *before == key);
            problem.help = Some(match (renamed, nearest(key, known.iter().copied())) {
                (Some((_, now)), _) => format!("it is called `{now}`"),
                (None, Some(near)) => format!("did you mean `{near}`?"),
                (None, None) if known.len() == 1 => format!("the only key here is {}", list(known)),
                (None, None) => format!("the keys here are {}", list(known)),
            });
            self.reader.report(problem);
        }
    }

    /// Whether one of the keys that are none of `known` may be `meant`.
    pub(crate) fn misspells(&self, meant: &str, known: &[&str]) -> bool {
        let mut unknown = self.table.iter().filter(|(key, _)| !known.contains(key));
        unknown.any(|(key, _)| nearest(key, known.iter().copied()) == Some(meant))
    }

    fn key(&self, key: &str) -> Option<&'a Key> {
        self.table.get_key_value(key).map(|(key, _)| key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<Value<'a>> {
        let (written, item) = self.table.get_key_value(key)?;
        let is_bare = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let quote = if !key.is_empty() && key.bytes().all(is_bare) { "" } else { "\"" };
        let dot = if self.path.is_empty() { "" } else { "." };
        let path = format!("{}{dot}{quote}{key}{quote}", self.path);
        Some(Value { reader: self.reader, item: Found::Item(item), path, key_span: written.span() })
    }

    /// The value of a key that has to be there.
    pub(crate) fn required(&self, key: &str) -> Option<Value<'a>> {
        let value = self.get(key);
        if value.is_none() {
            let mut problem = self.reader.problem(
                Code::MissingKey,
                format!("`{}` has no `{key}`", self.path),
                self.span.clone(),
            );
            problem.label = Some(format!("`{key}` is missing"));
            self.reader.report(problem);
        }
        value
    }

    /// The table of a key, if it is there; a value of another type is reported.
    pub(crate) fn table(&self, key: &str) -> Option<Table<'a>> {
        self.get(key)?.table()
    }

    /// All values, by key.
    pub(crate) fn values(&self) -> Vec<(String, Value<'a>)> {
        let keys = self.table.iter().map(|(key, _)| key.to_owned()).collect::<Vec<_>>();
        keys.into_iter().filter_map(|key| self.get(&key).map(|value| (key, value))).collect()
    }

    /// All tables within, by key; values of another type are reported.
    pub(crate) fn tables(&self) -> Vec<(String, Table<'a>)> {
        self.values().into_iter().filter_map(|(key, value)| Some((key, value.table()?))).collect()
    }
}

impl<'a> Value<'a> {
    pub(crate) fn place(&self) -> Option<Place> {
        self.reader.place(self.span())
    }

    /// The place of its key, or of the value if it has none.
    pub(crate) fn key_place(&self) -> Option<Place> {
        self.reader.place(self.key_span.clone().or_else(|| self.span()))
    }

    fn span(&self) -> Option<Range<usize>> {
        match self.item {
            Found::Item(item) => item.span(),
            Found::Element(value) => value.span(),
        }
        .or_else(|| self.key_span.clone())
    }

    /// Reports that the value is wrong, and what to do.
    pub(crate) fn wrong(&self, code: Code, message: String, help: Option<String>) {
        self.reader.report(Problem { help, ..self.reader.problem(code, message, self.span()) });
    }

    /// Reports that the key is wrong, and what to do.
    pub(crate) fn wrong_key(&self, code: Code, message: String, help: Option<String>) {
        let span = self.key_span.clone().or_else(|| self.span());
        self.reader.report(Problem { help, ..self.reader.problem(code, message, span) });
    }

    fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        let found = match self.item {
            Found::Item(item) => item.type_name(),
            Found::Element(value) => value.type_name(),
        };
        let each = if matches!(self.item, Found::Element(_)) { "each of " } else { "" };
        let mut problem = self.reader.problem(
            Code::WrongType,
            format!("{each}`{}` has to be {expected}, not {}", self.path, article(found)),
            self.span(),
        );
        problem.label = Some(format!("expected {expected}"));
        self.reader.report(problem);
        None
    }

    fn toml(&self) -> Option<&'a Toml> {
        match self.item {
            Found::Item(item) => item.as_value(),
            Found::Element(value) => Some(value),
        }
    }

    pub(crate) fn as_str(&self) -> Option<&'a str> {
        self.toml()?.as_str()
    }

    pub(crate) fn string(&self) -> Option<&'a str> {
        self.as_str().or_else(|| self.wrong_type("a string"))
    }

    /// A string, a whole number, true or false, as text.
    pub(crate) fn as_scalar(&self) -> Option<String> {
        match self.toml()? {
            Toml::String(text) => Some(text.value().clone()),
            Toml::Integer(number) => Some(number.value().to_string()),
            Toml::Boolean(boolean) => Some(boolean.value().to_string()),
            _ => None,
        }
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        self.toml().and_then(Toml::as_bool).or_else(|| self.wrong_type("true or false"))
    }

    pub(crate) fn as_integer(&self) -> Option<i64> {
        self.toml()?.as_integer()
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        self.as_integer().or_else(|| self.wrong_type("a whole number"))
    }

    /// Reports that the value is of none of the types that are `expected`.
    pub(crate) fn neither<T>(&self, expected: &str) -> Option<T> {
        self.wrong_type(expected)
    }

    pub(crate) fn as_table(&self) -> Option<Table<'a>> {
        let table: &dyn TableLike = match self.item {
            Found::Item(item) => item.as_table_like()?,
            Found::Element(value) => value.as_inline_table()?,
        };
        Some(Table { reader: self.reader, table, path: self.path.clone(), span: self.span() })
    }

    pub(crate) fn table(&self) -> Option<Table<'a>> {
        self.as_table().or_else(|| self.wrong_type("a table"))
    }

    /// The tables of an array of tables.
    pub(crate) fn tables(&self) -> Vec<Table<'a>> {
        if let Found::Item(Item::ArrayOfTables(array)) = self.item {
            let table = |table: &'a toml_edit::Table| Table {
                reader: self.reader,
                table,
                path: self.path.clone(),
                span: table.span(),
            };
            return array.iter().map(table).collect();
        }
        match self.toml().and_then(Toml::as_array) {
            Some(_) => self.list().iter().filter_map(Value::table).collect(),
            None => {
                let written = format!("a list of tables, written `[[{}]]`", self.path);
                self.wrong_type::<()>(&written);
                Vec::new()
            }
        }
    }

    /// The elements of a list.
    pub(crate) fn list(&self) -> Vec<Value<'a>> {
        let Some(array) = self.toml().and_then(Toml::as_array) else {
            self.wrong_type::<()>("a list");
            return Vec::new();
        };
        let element = |value| Value {
            reader: self.reader,
            item: Found::Element(value),
            path: self.path.clone(),
            key_span: self.key_span.clone(),
        };
        array.iter().map(element).collect()
    }
}

/// The name of a TOML type in the words that this module uses, with its article.
fn article(name: &str) -> String {
    let name = match name {
        "array" => "list",
        "array of tables" => "list of tables",
        "inline table" => "table",
        _ => name,
    };
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {name}")
}
