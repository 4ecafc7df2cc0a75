"""What code a job runs, as a short key: editing what it uses changes the key, rewording or other edits do not.

Modules have the names that an import gives them; scripts are modules too. What a module imports belongs to it, directly
or not, as far as its text says so: what is imported by a name made at run time has to be named beside it.

Not part of the key are
- comments, layout and docstrings;
- messages: text in a `raise`, in a call of LOGGERS, and in what is called, defined or assigned to under a name of
  MESSAGES or one that ends in `Error` or `Warning`;
- listings: the arguments of calls of LISTINGS, which say what there is to choose from, not what was chosen, and imports
  of what is named in them alone. A job names the modules of the components that it runs, and a module imports a
  component from the module that defines it.

Words, text that readers see in legends, notes and documentation, are part of the key only where that is asked for. They
are assigned to WORDS or are keywords of that name, or they are arguments without keyword of calls of DECLARATIONS.
"""

import ast
import copy
import hashlib
import importlib.util
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

SCRIPTS = Path(__file__).parents[1]

LOGGERS = {"logger", "logging", "warnings"}
MESSAGES = {"message", "unknown"}
LISTINGS = {"Listing"}
DECLARATIONS = {"Column", "Parameter"}
WORDS = {"LABELS", "NOTES", "label", "meaning", "note"}

# What text is. In a message everything is one, and in words what is no message.
CODE, WORD, MESSAGE = range(3)


class Code(NamedTuple):
    """Hash of a module without its words, of the words alone, and the modules of the project that it imports: those
    that belong to it, and those that it imports for its listings."""

    code: bytes
    words: bytes
    imports: frozenset[str]
    listed: frozenset[str]


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


def used(*modules: str, listed: bool = False) -> set[str]:
    """Names of some modules and of all that they import, those for listings only if `listed`."""
    found: set[str] = set()
    waiting = {name for module in modules for name in _with_packages(module)}
    while waiting:
        found |= waiting
        read = map(_read, waiting)
        waiting = {name for code in read for name in (code.imports | code.listed if listed else code.imports)} - found
    return found


@cache
def _read(module: str) -> Code:
    path = _path(module)
    if path is None:
        raise ModuleNotFoundError(f"no module {module} in {SCRIPTS}")
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    listed = _split_imports(tree) if any(name in text for name in LISTINGS) else []
    writer = _Writer()
    writer.visit(tree, CODE)
    code, words = (hashlib.sha256("\0".join(parts).encode()).digest() for parts in (writer.code, writer.words))
    return Code(code, words, *(frozenset(_imported(some, package)) for some in (writer.imports, listed)))


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


def _split_imports(tree: ast.AST) -> list[ast.Import | ast.ImportFrom]:
    """Take the imports of names that stand in listings alone out of a tree, and return them."""
    nodes = list(ast.walk(tree))
    listings = [node for node in nodes if isinstance(node, ast.Call) and _name(node.func) in LISTINGS]
    inside = _names(part for call in listings for argument in call.args for part in ast.walk(argument))
    outside = _names(nodes) - inside
    taken: list[ast.Import | ast.ImportFrom] = []
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound = {alias: alias.asname or alias.name for alias in node.names}
            names = [alias for alias, name in bound.items() if name in inside and name not in outside]
            if names:
                taken.append(copy.copy(node))
                taken[-1].names = names
                node.names = [alias for alias in node.names if alias not in names]
    return taken


def _names(nodes: Iterable[ast.AST]) -> Counter[str]:
    """How often names stand somewhere."""
    return Counter(node.id for node in nodes if isinstance(node, ast.Name))


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
            case ast.Import(names=[]) | ast.ImportFrom(names=[]):
                return
            case ast.Import() | ast.ImportFrom():
                self.imports.append(node)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(values):
                # As if each stood on a line of its own.
                for name, value in zip(names, values, strict=True):
                    self.visit(ast.Assign(targets=[name], value=value), text)
                return
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
