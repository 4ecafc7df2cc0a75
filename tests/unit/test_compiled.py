"""What numba has compiled and kept is used only as it was kept."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

SOURCE = """
import numpy as np
from linear_networks.kernels.compiled import compiled

@compiled
def total(values):
    found = 0.0
    for value in values:
        found += 2.0 * value
    return found

@compiled
def largest(values):
    found = -1.0
    for value in values:
        found = max(found, value)
    return found
"""
VALUES = np.arange(10.0)


def load(path):
    """The module of a file, anew, as another process would have it."""
    spec = importlib.util.spec_from_file_location(f"kept_{np.random.default_rng().integers(2**62)}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def from_cache(function):
    return sum(function.stats.cache_hits.values()) > 0


@pytest.fixture
def kept(tmp_path):
    """A module whose functions were compiled, and the files that are kept of the first."""
    path = tmp_path / "loops.py"
    path.write_text(SOURCE)
    module = load(path)
    assert module.total(VALUES) == 90.0
    assert module.largest(VALUES) == 9.0
    return path, sorted((tmp_path / "__pycache__").glob("*total*.nb?"))


def test_what_was_kept_is_not_compiled_again(kept):
    path, files = kept
    assert len(files) == 2
    module = load(path)
    assert module.total(VALUES) == 90.0
    assert from_cache(module.total)


def test_of_processes_that_begin_together_one_compiles(tmp_path):
    path = tmp_path / "loops.py"
    path.write_text(SOURCE)
    (tmp_path / "__pycache__").mkdir()
    code = "import numpy, loops; loops.total(numpy.arange(10.0)); print(sum(loops.total.stats.cache_hits.values()))"
    begun = [
        subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=paths(), stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert sorted(process.communicate()[0].strip() for process in begun) == ["0", "1", "1"]


def paths():
    """The environment of a process that imports what is there and what this one does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(["", *sys.path])}


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "foreign", "misplaced", "folder"])
def test_what_is_not_as_it_was_kept_is_compiled_again(kept, place, harm):
    path, files = kept
    file = files[place]
    content = bytearray(file.read_bytes())
    match harm:
        case "flip":
            content[len(content) // 2] ^= 1
        case "cut":
            del content[-40:]
        case "empty":
            content.clear()
        case "foreign":
            content = bytearray(b"not what numba keeps")
        case "misplaced":
            content = bytearray(sorted(file.parent.glob("*largest*.nb?"))[place].read_bytes())
    file.unlink()
    if harm == "folder":
        file.mkdir()
    else:
        file.write_bytes(content)
    module = load(path)
    assert module.total(VALUES) == 90.0
    assert not from_cache(module.total)


def test_random_flips_change_no_number(kept):
    path, files = kept
    rng = np.random.default_rng(3)
    for _ in range(12):
        file = files[rng.integers(len(files))]
        content = bytearray(file.read_bytes())
        content[rng.integers(len(content))] ^= 1 << rng.integers(8)
        file.write_bytes(content)
        assert load(path).total(VALUES) == 90.0


def test_a_change_of_the_source_is_compiled(kept):
    path, _ = kept
    path.write_text(SOURCE.replace("2.0 * value", "30.0 * value"))
    assert load(path).total(VALUES) == 1350.0


def test_a_folder_that_cannot_be_written_to_costs_a_compilation(kept, monkeypatch):
    path, files = kept
    for file in files:
        file.unlink()

    def full(*_):
        raise OSError(28, "No space left on device")

    module = load(path)
    monkeypatch.setattr(module.total._cache._cache_file, "_open_for_write", full)
    assert module.total(VALUES) == 90.0
