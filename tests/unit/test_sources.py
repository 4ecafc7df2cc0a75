"""Keys of code: what changes them, and what does not."""

import ast
import importlib
import subprocess
import sys

import pytest

from linear_networks_workflow import sources

CODE = '''"""What it does."""

import logging
from package import tool
from package.errors import InputError

NOTES = {"a": "a note"}
REASON = "too few"


class Kind:
    """A kind."""

    name, label = "kind", "a label"
    parameters = {"scale": Parameter(float, "how large", "1", column="scale")}


def work(values):
    """How it works."""
    if not values:
        message = f"no {values} at all"
        raise InputError(message + " there")
    # Why.
    logging.info("%d values", len(values))
    return tool.apply(values, column="product"), f"{values}: two"
'''


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Folder of a script `job`, which imports a package of three modules, and a function that writes a module."""
    monkeypatch.setattr(sources, "SCRIPTS", tmp_path)

    def write(name, text):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        for function in (sources._digest, sources._read, sources._path):
            function.cache_clear()

    write("job.py", CODE)
    write("package/__init__.py", "")
    write("package/tool.py", "from . import parts\n\ndef apply(values, column): return parts.half(values)\n")
    write("package/parts.py", "def half(values): return values\n")
    write("package/errors.py", "class InputError(ValueError):\n    pass\n")
    write("package/other.py", "OTHER = 1\n")
    return write


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("What it does", "What it really does"),
        ("A kind.", "Some kind."),
        ("How it works", "How it really works"),
        ("# Why.\n", "# Why not.\n\n"),
        ("no {values} at all", "none of {len(values)}"),
        (" there", " here"),
        ("%d values", "values: %d"),
        ("    return tool.apply(values, ", "    return tool.apply(\n        values,\n        "),
    ],
)
def test_comments_layout_and_messages_are_not_part_of_a_key(project, old, new):
    before = sources.digest("job"), sources.digest("job", words=True)
    assert old in CODE
    project("job.py", CODE.replace(old, new))
    assert (sources.digest("job"), sources.digest("job", words=True)) == before


@pytest.mark.parametrize(("old", "new"), [("a note", "a better note"), ("a label", "the label"), ("how large", "size")])
def test_words_are_part_of_a_key_where_they_are_asked_for(project, old, new):
    before = sources.digest("job"), sources.digest("job", words=True)
    project("job.py", CODE.replace(old, new))
    assert sources.digest("job") == before[0]
    assert sources.digest("job", words=True) != before[1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("too few", "few"),
        ('"product"', '"loss"'),
        ('"kind", "a label"', '"sort", "a label"'),
        ("{values}: two", "{values}: three"),
        ("not values", "values"),
        ('column="scale"', 'column="size"'),
        ("len(values)", "max(values)"),
        ("raise InputError", "raise ValueError"),
    ],
)
def test_code_and_text_that_is_not_said_are_part_of_a_key(project, old, new):
    before = sources.digest("job")
    project("job.py", CODE.replace(old, new))
    assert sources.digest("job") != before


def test_a_key_is_of_all_that_is_imported_and_named_and_of_nothing_else(project):
    keys = sources.digest("job"), sources.digest("job", "package.other")
    assert sources.used("job") == {"job", "package", "package.tool", "package.parts", "package.errors"}
    assert sources.used("package.other") == {"package", "package.other"}
    project("package/other.py", "OTHER = 2\n")
    assert sources.digest("job") == keys[0]
    assert sources.digest("job", "package.other") != keys[1]
    project("package/parts.py", "def half(values): return values / 2\n")
    assert sources.digest("job") != keys[0]
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        sources.digest("nowhere")


def test_what_a_listing_lists_is_not_part_of_a_key(project):
    text = 'from package.parts import Listing\nKINDS = Listing(__name__, "a"{})\n'
    project("package/tool.py", text.format(""))
    before = sources.digest("job", words=True)
    project("package/tool.py", text.format(', "b"'))
    assert sources.digest("job", words=True) == before


def test_what_is_imported_for_a_listing_alone_belongs_to_nobody_who_does_not_name_it(project):
    text = "from package import other{}\nfrom package.parts import Listing, half\n"
    text += "KINDS = Listing(other{}, half)\nhalf(1)\n"
    project("package/tool.py", text.format("", ".OTHER"))
    before = sources.digest("job", words=True)
    assert sources.used("job") == {"job", "package", "package.tool", "package.parts", "package.errors"}
    assert sources.used("job", listed=True) == {*sources.used("job"), "package.other"}
    project("package/other.py", "OTHER = 2\n")
    project("package/more.py", "MORE = 1\n")
    project("package/tool.py", text.format(", more", ".OTHER, more.MORE"))
    assert sources.digest("job", words=True) == before
    project("package/tool.py", text.format("", ".OTHER") + "other.OTHER\n")
    assert "package.other" in sources.used("job")


def test_components_are_imported_from_their_own_modules():
    modules = sources.used(*(file.stem for file in sources.SCRIPTS.glob("*.py")), listed=True)
    for module in modules:
        for node in ast.walk(ast.parse(sources._path(module).read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module in modules:
                room = importlib.import_module(node.module)
                listed = sources._read(node.module).listed.difference(sources._with_packages(node.module))
                for alias in node.names:
                    assert getattr(getattr(room, alias.name, None), "__module__", None) not in listed, module


@pytest.mark.slow
def test_the_whole_project_is_read_as_its_text_says():
    scripts = [file.stem for file in sources.SCRIPTS.glob("*.py")]
    known = sources.used(*scripts, listed=True)
    for script in scripts:
        code = f"import sys; sys.path.insert(0, {str(sources.SCRIPTS)!r}); import {script}; print(*sys.modules)"
        loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        assert known & set(loaded) <= sources.used(script, listed=True)
