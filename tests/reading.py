"""Files of users, as jobs read them."""

import numpy as np
import pytest

from linear_networks.matrices import SOURCES
from linear_networks_workflow import inputs
from linear_networks_workflow.errors import InputError


def matrix(path, **keys):
    """Y of a file."""
    return inputs.resolve({"source": "file", "path": path.name, **keys}, path.parent).parameters["values"]


def table(path, target="y", **keys):
    """What is read of a table."""
    return inputs.resolve({"source": "table", "path": path.name, "target": target, **keys}, path.parent)


def spectrum(path, target, **keys):
    """Singular values of the Y of a table."""
    return np.linalg.svdvals(SOURCES["table"].draw(**table(path, target, **keys).parameters).values)


def refusal(read, *arguments, **keys):
    """The one line by which a file is refused."""
    with pytest.raises(InputError) as refused:
        read(*arguments, **keys)
    line = str(refused.value)
    assert "\n" not in line
    assert len(line) < 400
    return line


def written(path, text):
    """A file of text."""
    path.write_text(text)
    return path
