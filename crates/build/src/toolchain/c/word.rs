//! Words that the generators of C and C++ bindings do not know as such.

use wit_bindgen_c::to_c_ident;

/// Keywords and types of C or C++ with a `_` in them: in WIT they are written with `-`.
const WORDS: &[&str] = &[
    "and_eq",
    "atomic_cancel",
    "atomic_commit",
    "atomic_noexcept",
    "char16_t",
    "char32_t",
    "char8_t",
    "co_await",
    "co_return",
    "co_yield",
    "const_cast",
    "dynamic_cast",
    "int16_t",
    "int32_t",
    "int64_t",
    "int8_t",
    "not_eq",
    "or_eq",
    "reinterpret_cast",
    "size_t",
    "static_assert",
    "static_cast",
    "thread_local",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "uint8_t",
    "wchar_t",
    "xor_eq",
];

/// Functions and variables that the bodies of functions use.
const USED: &[&str] = &["abort", "free", "malloc", "memcpy", "realloc", "ret_area", "self"];

/// What the bodies have variables of, each with a number behind it.
const NUMBERED: &[&str] = &[
    "arg", "base", "flags", "handle", "i", "l", "len", "map", "obj", "option", "payload", "ptr",
    "result", "ret", "variant", "vec",
];

/// Whether nothing can be called by this name of WIT.
pub(crate) fn is_word(name: &str) -> bool {
    WORDS.contains(&&*to_c_ident(name))
}

/// Whether a parameter of this name would hide what the bodies use.
pub(super) fn is_used(name: &str) -> bool {
    let name = to_c_ident(name);
    let stem = name.trim_end_matches(|last: char| last.is_ascii_digit());
    USED.contains(&&*name) || stem.len() < name.len() && NUMBERED.contains(&stem)
}
