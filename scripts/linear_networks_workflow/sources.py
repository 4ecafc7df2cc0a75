"""What code a job runs, as a short key: editing what it uses changes the key, rewording or other edits do not.

Modules have the names that an import gives them; scripts are modules too. What a module imports belongs to it, directly
or not, as far as its text says so: what is imported by a name made at run time has to be named beside it.

Not part of the key are
- comments, layout and docstrings;
- messages: text in a `raise`, in a call of LOGGERS, and in what is called, defined or assigned to under a name of
  MESSAGES or one that ends in `Error` or `Warning`;
- listings: the arguments of calls of LISTINGS, which say what there is to choose from, not what was chosen.

Words, text that readers see in legends, notes and documentation, are part of the key only where that is asked for. They
are assigned to WORDS or are keywords of that name, or they are arguments without keyword of calls of DECLARATIONS.
"""

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

SCRIPTS = Path(__file__).parents[1]

LOGGERS = {"logger", "logging", "warnings"}
MESSAGES = {"message", "unknown"}
LISTINGS = {"Listing"}
DECLARATIONS = {"Column", "Parameter"}
WORDS = {"LABELS", "NOTES", "label", "meaning"}

# What text is. In a message everything is one, and in words what is no message.
CODE, WORD, MESSAGE = range(3)


class Code(NamedTuple):
    """Hash of a module without its words, of the words alone, and the modules of the project that it imports."""

    code: bytes
    words: bytes
    imports: frozenset[str]


def digest(*modules: str, words: bool = False) -> str:
    """Key of some modules and of all that they import.

    Parameters
    ----------
    *modules : str
        Such as `simulate` or `linear_networks.solvers.flow`.
    words : bool
        Whether the words for readers are part of it, as they should be where they are written out.

    Raises
    ------
    ModuleNotFoundError
        If one is no module of the project.
    """
    return _digest(frozenset(modules), words)


@cache
def _digest(modules: frozenset[str], words: bool) -> str:
    key = hashlib.sha256()
    for name in sorted(used(*modules)):
        key.update(name.encode() + _read(name).code + _read(name).words * words)
    return key.hexdigest()[:16]


def used(*modules: str) -> set[str]:
    """Names of some modules and of all that they import."""
    found: set[str] = set()
    waiting = {name for module in modules for name in _with_packages(module)}
    while waiting:
        found |= waiting
        waiting = {name for module in waiting for name in _read(module).imports} - found
    return found


@cache
def _read(module: str) -> Code:
    path = _path(module)
    if path is None:
        raise ModuleNotFoundError(f"no module {module} in {SCRIPTS}")
    tree = ast.parse(path.read_bytes())
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    writer = _Writer()
    writer.visit(tree, CODE)
    code, words = (hashlib.sha256("\0".join(parts).encode()).digest() for parts in (writer.code, writer.words))
    return Code(code, words, frozenset(_imported(writer.imports, package)))


@cache
def _path(module: str) -> Path | None:
    """File of a module; None if it is none of the project."""
    place = SCRIPTS.joinpath(*module.split("."))
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def _with_packages(module: str) -> Iterator[str]:
    """A module and the packages that it is in, which its import runs too."""
    parts = module.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _imported(statements: list[ast.Import | ast.ImportFrom], package: str) -> Iterator[str]:
    """The modules of the project that statements in a package import."""
    for node in statements:
        prefix = ""
        if isinstance(node, ast.ImportFrom):
            prefix = importlib.util.resolve_name("." * node.level + (node.module or ""), package) + "."
        for alias in node.names:
            yield from (name for name in _with_packages(prefix + alias.name) if _path(name))


class _Writer:
    """Writes a syntax tree down in one pass: its code, the words in it, and its imports."""

    def __init__(self) -> None:
        self.code: list[str] = []
        self.words: list[str] = []
        self.imports: list[ast.Import | ast.ImportFrom] = []

    def visit(self, node: ast.AST, text: int) -> None:
        """Write a node; `text` is what text in it is."""
        match node:
            case ast.Constant():
                is_text = isinstance(node.value, str)
                if text == CODE or not is_text:
                    self.code.append(repr(node.value))
                elif text == WORD:
                    self.words.append(repr(node.value))
                return
            case ast.Expr(value=ast.Constant(value=str())):
                return
            case ast.JoinedStr() if text == MESSAGE:
                return
            case ast.Call() if _name(node.func) in LISTINGS:
                node = node.func
            case ast.Import() | ast.ImportFrom():
                self.imports.append(node)
        self._visit_fields(node, max(text, _text_in(node)))

    def _visit_fields(self, node: ast.AST, text: int) -> None:
        # Fields that are empty are left out: newer Pythons add some.
        self.code.append(type(node).__name__)
        declares = isinstance(node, ast.Call) and _name(node.func) in DECLARATIONS
        for field in node._fields:
            value = getattr(node, field, None)
            if value is None or value == [] or field == "ctx":
                continue
            self.code.append(field)
            inner = max(text, WORD) if declares and field == "args" else text
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, ast.AST):
                    self.visit(part, inner)
                else:
                    self.code.append(repr(part))
        self.code.append(".")


def _text_in(node: ast.AST) -> int:
    """What text in a node is, by its kind and name."""
    match node:
        case ast.Raise():
            return MESSAGE
        case ast.Call(func=ast.Attribute(value=ast.Name(id=owner))) if owner in LOGGERS:
            return MESSAGE
        case ast.Call():
            name = _name(node.func)
        case ast.FunctionDef() | ast.ClassDef():
            name = node.name
        case ast.Assign():
            name = _name(node.targets[0])
        case ast.AnnAssign():
            name = _name(node.target)
        case ast.keyword():
            name = node.arg or ""
        case _:
            return CODE
    if name in MESSAGES or name.endswith(("Error", "Warning")):
        return MESSAGE
    return WORD if name in WORDS else CODE


def _name(node: ast.AST) -> str:
    """The last part of a dotted name; empty for what has none."""
    return getattr(node, "id", "") or getattr(node, "attr", "")
