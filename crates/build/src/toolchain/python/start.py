"""Imports the app, and with it what would be imported only when it is called.

A component is made of what is in memory after this: there are no files from which more could be
imported.
"""

import importlib.util
import re
import sys

import app

# What the interpreter imports by itself when it is needed for the first time.
LATER = ["_strptime"] + [
    f"encodings.{name}"
    for name in [
        *["ascii", "latin_1", "iso8859_15", "cp1252", "cp437", "idna", "punycode", "utf_7"],
        *["utf_8_sig", "utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le"],
        *["unicode_escape", "raw_unicode_escape", "hex_codec", "base64_codec", "rot_13"],
    ]
]

# An import that is indented: within a function, or under a condition.
INNER = re.compile(
    r"^[ \t]+(?:from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+\(?([\w, \t]*)|import[ \t]+([\w., \t]+))",
    re.MULTILINE,
)


def load(name, package=None):
    # What is not there may be for other machines, and is missed only if it is used.
    try:
        name = importlib.util.resolve_name(name, package)
        owner, _, own = name.rpartition(".")
        names = vars(sys.modules[owner]) if owner in sys.modules else {}
        # A package may have something else by the name of a module in it, which an import replaces.
        before = names.get(own)
        importlib.import_module(name)
        if before is not None:
            names[own] = before
    except BaseException:
        pass


def inner(module):
    """The names of modules that a module may import later, of packages and of our own."""
    path = getattr(module, "__file__", None) or ""
    if not re.match(r"/\d+/.*\.py$", path):
        return
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    for dots, source, names, plain in INNER.findall(text):
        if plain:
            for part in plain.split(","):
                yield part.split()[0] if part.split() else ""
            continue
        if source:
            yield dots + source
        for part in names.split(","):
            if part.split():
                yield f"{dots}{source}{'.' if source else ''}{part.split()[0]}"


def load_all():
    for name in LATER:
        load(name)
    seen = set()
    while new := [name for name in sys.modules if name not in seen]:
        seen.update(new)
        for name in new:
            module = sys.modules[name]
            package = getattr(module, "__package__", None)
            for wanted in inner(module):
                if wanted and wanted not in sys.modules:
                    load(wanted, package)


load_all()

# The classes that implement the world are looked for here.
sys.modules[__name__] = app
