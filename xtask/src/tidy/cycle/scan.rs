//! Reads the files of a crate: which modules they have, what these import and re-export, and which
//! paths their code names. Files are read as tokens, so that what stands in macros counts too.

use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The names of a path, such as `crate`, `grant` and `Remedy`.
pub(super) type Names = Vec<String>;

/// A file of the crate, with the modules in it.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// The file's own first, and then those that are written in it.
    pub(super) modules: Vec<Module>,
}

/// A module without what it has for tests.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// Its path from the root of the crate, whose own is empty.
    pub(super) path: Names,
    pub(super) imports: Vec<Import>,
    /// The modules that it declares.
    pub(super) children: Vec<String>,
    /// All paths that its code names.
    pub(super) paths: Vec<Names>,
}

/// A name that a `use` brings in.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) path: Names,
    /// What it is called here; none for all names of a module.
    pub(super) name: Option<String>,
    /// Whether others see it here.
    pub(super) is_public: bool,
}

/// All files of the crate with this root.
pub(super) fn read(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    read_file(root, Vec::new(), true, &mut files)?;
    Ok(files)
}

fn read_file(path: &Path, module: Names, is_root: bool, files: &mut Vec<File>) -> Result<()> {
    let text = fs::read_to_string(path).map_err(|error| anyhow!("{}: {error}", path.display()))?;
    let tokens = TokenStream::from_str(&text)
        .map_err(|error| anyhow!("{} is not Rust: {error}", path.display()))?;
    let depth = module.len();
    let mut scan = Scan { modules: Vec::new(), elsewhere: Vec::new() };
    scan.module(module, tokens);
    files.push(File { path: path.to_owned(), modules: scan.modules });
    let folder = if is_root || path.ends_with("mod.rs") {
        path.with_file_name("")
    } else {
        path.with_extension("")
    };
    for child in scan.elsewhere {
        // A module that is written in this file has those of its own in a folder of its name.
        let inner: PathBuf = child[depth..].iter().collect();
        let own = folder.join(&inner).with_extension("rs");
        let file = if own.exists() { own } else { folder.join(inner).join("mod.rs") };
        read_file(&file, child, false, files)?;
    }
    Ok(())
}

struct Scan {
    modules: Vec<Module>,
    /// Modules that have files of their own.
    elsewhere: Vec<Names>,
}

impl Scan {
    fn module(&mut self, path: Names, tokens: TokenStream) {
        let index = self.modules.len();
        self.modules.push(Module { path, ..Module::default() });
        self.tokens(index, tokens);
    }

    fn tokens(&mut self, index: usize, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut rest = &tokens[..];
        let mut is_public = false;
        while let Some(token) = rest.first() {
            let was_public = std::mem::take(&mut is_public);
            rest = match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => self.attribute(index, rest),
                TokenTree::Punct(punct) if ".$'".contains(punct.as_char()) => passed(rest),
                TokenTree::Ident(word) if *word == "pub" => {
                    is_public = true;
                    // The parentheses that follow give its visibility, and need nothing.
                    let is_limited = is_group(rest.get(1), Delimiter::Parenthesis);
                    &rest[1 + usize::from(is_limited)..]
                }
                TokenTree::Ident(word) if *word == "use" => {
                    let end = rest.iter().position(|token| is_punct(Some(token), ';'));
                    let end = end.unwrap_or(rest.len());
                    let imports = &mut self.modules[index].imports;
                    import(&rest[1..end], &[], was_public, imports);
                    &rest[end..]
                }
                TokenTree::Ident(word) if *word == "mod" => self.declaration(index, rest),
                TokenTree::Ident(_) => {
                    let (names, after) = path(rest);
                    self.modules[index].paths.push(names);
                    after
                }
                TokenTree::Group(group) => {
                    self.tokens(index, group.stream());
                    &rest[1..]
                }
                _ => &rest[1..],
            };
        }
    }

    /// Passes an attribute, with what it stands before if that is for tests.
    fn attribute<'a>(&mut self, index: usize, rest: &'a [TokenTree]) -> &'a [TokenTree] {
        let is_inner = is_punct(rest.get(1), '!');
        let start = 1 + usize::from(is_inner);
        let Some(TokenTree::Group(attribute)) = rest.get(start) else { return &rest[1..] };
        let after = &rest[start + 1..];
        if is_inner || !is_for_tests(&attribute.stream()) {
            self.tokens(index, attribute.stream());
            return after;
        }
        let ends = |token: &TokenTree| {
            is_punct(Some(token), ';') || is_group(Some(token), Delimiter::Brace)
        };
        after.iter().position(ends).map_or(&[], |end| &after[end + 1..])
    }

    fn declaration<'a>(&mut self, index: usize, rest: &'a [TokenTree]) -> &'a [TokenTree] {
        let Some(TokenTree::Ident(name)) = rest.get(1) else { return &rest[1..] };
        let name = name.to_string();
        let module = &mut self.modules[index];
        let path: Names = module.path.iter().cloned().chain([name.clone()]).collect();
        module.children.push(name);
        match rest.get(2) {
            Some(TokenTree::Group(body)) => self.module(path, body.stream()),
            _ => self.elsewhere.push(path),
        }
        rest.get(3..).unwrap_or_default()
    }
}

/// Passes a field, a method, a variable of a macro or a lifetime, which are no paths. What begins
/// with `$crate` is one.
fn passed(rest: &[TokenTree]) -> &[TokenTree] {
    match rest.get(1) {
        Some(TokenTree::Ident(word)) if *word != "crate" => &rest[2..],
        _ => &rest[1..],
    }
}

/// The names of a path that begins here, and what follows it.
fn path(tokens: &[TokenTree]) -> (Names, &[TokenTree]) {
    let mut names = Vec::new();
    let mut rest = tokens;
    while let Some(TokenTree::Ident(name)) = rest.first() {
        names.push(name.to_string());
        rest = &rest[1..];
        if !(is_punct(rest.first(), ':') && is_punct(rest.get(1), ':')) {
            break;
        }
        match rest.get(2) {
            Some(TokenTree::Ident(_)) => rest = &rest[2..],
            _ => break,
        }
    }
    (names, rest)
}

/// The names that a tree of imports brings in, after `prefix`.
fn import(tokens: &[TokenTree], prefix: &[String], is_public: bool, imports: &mut Vec<Import>) {
    let branches = tokens.split(|token| is_punct(Some(token), ','));
    // The last one is empty after a comma.
    for branch in branches.filter(|branch| !branch.is_empty()) {
        let (names, rest) = path(branch);
        let mut path = [prefix, &names].concat();
        if path.len() > 1 && path.last().is_some_and(|name| name == "self") {
            path.pop();
        }
        match rest {
            [] => {
                if let Some(name) = path.last().cloned() {
                    imports.push(Import { path, name: Some(name), is_public });
                }
            }
            [TokenTree::Ident(word), name] if *word == "as" => {
                imports.push(Import { path, name: Some(name.to_string()), is_public });
            }
            [.., TokenTree::Group(group)] => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                import(&inner, &path, is_public, imports);
            }
            // A star.
            _ => imports.push(Import { path, name: None, is_public }),
        }
    }
}

fn is_for_tests(attribute: &TokenStream) -> bool {
    let text = attribute.to_string();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    words.first() == Some(&"cfg") && words.contains(&"test") && !words.contains(&"not")
}

fn is_punct(token: Option<&TokenTree>, punct: char) -> bool {
    matches!(token, Some(TokenTree::Punct(found)) if found.as_char() == punct)
}

fn is_group(token: Option<&TokenTree>, delimiter: Delimiter) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.delimiter() == delimiter)
}
