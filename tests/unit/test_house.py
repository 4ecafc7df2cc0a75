"""The directions of the house: who may import whom, and where the name of a component may stand."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from functools import cache

import pytest
from conftest import PROJECT

import linear_networks
import linear_networks_workflow as workflow
from linear_networks.components import Listing
from linear_networks_workflow import figures
from linear_networks_workflow.dataset import parquet

SCRIPTS = PROJECT / "scripts"
LIBRARY, WORKFLOW = linear_networks.__name__, workflow.__name__
FOREIGN = (WORKFLOW, "snakemake", "pandas", "pyarrow", "matplotlib", "seaborn", "yaml", "pydantic")
ENTRIES = {file.stem for file in SCRIPTS.glob("*.py")}


def name_of(file):
    """Name that an import gives a file, and the package that relative imports in it start from."""
    parts = file.relative_to(SCRIPTS).with_suffix("").parts
    inside = parts[:-1]
    return ".".join(inside if parts[-1] == "__init__" else parts), ".".join(inside)


@cache
def trees():
    """Syntax trees of the project's modules and scripts by name, each with the package that it is in."""
    files = sorted(SCRIPTS.rglob("*.py"))
    assert len(files) > 50
    return {name_of(file)[0]: (ast.parse(file.read_text()), name_of(file)[1]) for file in files}


def imports(name):
    """Whatever a module imports anywhere in its text; of what is taken from a module, both names."""
    tree, package = trees()[name]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package.split(".")[: len(package.split(".")) + 1 - node.level]) if node.level else ""
            source = ".".join(part for part in (above, node.module) if part)
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)


def within(module, *packages):
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def offences(importers, imported):
    """The imports, by any of some modules, of any of others."""
    return sorted({(name, found) for name in trees() if importers(name) for found in imports(name) if imported(found)})


def test_the_library_knows_nothing_of_the_workflow_of_files_and_of_plots():
    assert offences(lambda name: within(name, LIBRARY), lambda found: within(found, *FOREIGN)) == []


def test_nothing_imports_a_script():
    assert {"simulate", "fit_rates"} <= ENTRIES
    assert offences(lambda name: True, lambda found: within(found, *ENTRIES)) == []


@pytest.mark.parametrize(
    ("room", "never"), [("stages", ["config", "figures"]), ("grid", ["config", "stages"]), ("dataset", ["figures"])]
)
def test_what_comes_later_is_not_imported(room, never):
    rooms = [f"{WORKFLOW}.{other}" for other in never]
    assert offences(lambda name: within(name, f"{WORKFLOW}.{room}"), lambda found: within(found, *rooms)) == []


def test_a_kind_of_figure_is_known_to_nobody_but_the_listing():
    modules = [kind.__module__ for kind in figures.KINDS.values()]
    assert offences(lambda name: name != figures.__name__, lambda found: within(found, *modules)) == []


def test_a_compiler_is_known_to_the_kernels_alone():
    room = f"{LIBRARY}.kernels"
    compilers = "llvmlite", "numba", *(f"{room}.{behind}" for behind in ("lanes", "products", "lowering"))
    assert offences(lambda name: not within(name, room), lambda found: within(found, *compilers)) == []


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_a_script_is_imports_and_an_entry(name):
    tree, _ = trees()[name]
    docstring, *others, entry = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    assert isinstance(docstring, ast.Expr)
    assert all(isinstance(node, ast.Assign) for node in others)
    assert ast.unparse(entry.test) == "'snakemake' in globals()"


@cache
def listings():
    """Every listing of components, in either package."""
    found = {}
    for package in (linear_networks, workflow):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, Listing):
                    found[id(value)] = value
    return list(found.values())


def components():
    """Names of components, but for those that are words of other things too, and the modules that declare them."""
    all_of_them = [component for listing in listings() for component in listing.values()]
    declared = [parameter for component in all_of_them for parameter in component.parameters.items()]
    others = {column for schema in parquet.SCHEMAS.values() for column in schema.names}
    others |= {name for name, _ in declared} | {word for _, parameter in declared for word in parameter.words}
    others |= {getattr(component, "reads", None) for component in all_of_them}  # how a file is read
    others |= {*parquet.SCHEMAS, "tables", "figures"}
    found = {}
    for component in all_of_them:
        if component.name not in others:
            found.setdefault(component.name, set()).add(component.__module__)
    return found


def texts(nodes):
    """The constants among nodes, the members of tuples and the keys of dictionaries."""
    for node in nodes:
        match node:
            case ast.Constant():
                yield node
            case ast.Tuple():
                yield from texts(node.elts)
            case ast.Dict():
                yield from texts(node.keys)


def at_the_top(tree):
    """Texts that are assigned to a name of the module."""
    return {id(text) for node in tree.body if isinstance(node, ast.Assign) for text in texts([node.value])}


def declarations(tree):
    """Texts by which a declaration refers to a loss, and words of a parameter."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="Parameter")):
                yield from map(id, ast.walk(node))
            case ast.ClassDef():
                for statement in node.body:
                    names = {getattr(part, "id", "") for part in ast.walk(statement)}
                    if isinstance(statement, ast.Assign | ast.AnnAssign) and names & {"loss", "losses"}:
                        yield from map(id, ast.walk(statement))


def places():
    """Where names of components stand outside of their modules: at the top of what is about them, and elsewhere."""
    about, elsewhere = [], []
    known = components()
    assert len(known) > 20
    for module, (tree, _) in trees().items():
        top, declared = at_the_top(tree), set(declarations(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and module not in known.get(str(node.value), {module}):
                place = f"{module}, line {node.lineno}: {node.value}"
                if id(node) in top and within(module, f"{WORKFLOW}.figures", f"{LIBRARY}.theory"):
                    about.append(place)
                elif id(node) not in declared:
                    elsewhere.append(place)
    return about, elsewhere


def test_the_name_of_a_component_stands_in_its_module_or_at_the_top_of_what_is_about_it():
    about, elsewhere = places()
    print("At the top of a figure or a theorem:", *about, sep="\n")
    assert elsewhere == []


def test_the_library_is_imported_without_loading_what_the_workflow_needs():
    code = f"""
import importlib, pkgutil, sys
sys.path.insert(0, {str(SCRIPTS)!r})
import {LIBRARY} as library
for module in pkgutil.walk_packages(library.__path__, "{LIBRARY}."):
    importlib.import_module(module.name)
print(*{set(FOREIGN)} & set(sys.modules))
"""
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    # Numba reads its settings by yaml where it is installed.
    assert set(loaded) <= {"yaml"}
