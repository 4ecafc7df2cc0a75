"""What a job writes beside the drawing of a figure."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from linear_networks_workflow.errors import InputError
from linear_networks_workflow.figures import numbers
from linear_networks_workflow.figures.kind import Kind

if TYPE_CHECKING:
    from linear_networks_workflow.figures.libraries import pd


# What Matplotlib says of a log axis over which there is nothing.
EMPTY = "Data has no positive values"


@contextmanager
def named(figure: str) -> Iterator[None]:
    """Give what cannot be drawn the place of its figure in the config."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", EMPTY, UserWarning)
            yield
    except InputError as error:
        raise InputError(f"figures.{figure}: {error}") from None
    except UserWarning as warning:
        if not str(warning).startswith(EMPTY):
            raise
        raise InputError(f"figures.{figure}: nothing to draw on a log axis, as no number is > 0") from None


# Begins the last line of a caption, a comment.
MADE_FROM = ".. made from "


def caption(kind: type[Kind], supporting: pd.DataFrame, made_from: str) -> str:
    """The caption of a figure of a kind, in reStructuredText, below it the numbers that support it, and a comment that
    says what the figure was made from."""
    return f"{inspect.cleandoc(kind.caption)}\n\n{numbers.restructured(supporting)}\n\n{MADE_FROM}{made_from}\n"


def made_from(caption: Path) -> str:
    """What a figure was made from, as its caption says; empty where it does not."""
    return caption.read_text(errors="replace").rpartition(MADE_FROM)[2].strip()


def metadata(kind: type[Kind], ending: str) -> dict[str, str | None]:
    """What a figure of a kind shows, in words for those who do not see it; without dates, files repeat bit for bit."""
    what, how = inspect.getdoc(kind) or "", inspect.getdoc(kind.draw) or ""
    said: dict[str, dict[str, str | None]] = {
        ".svg": {"Title": what, "Description": how, "Date": None},
        ".pdf": {"Title": what, "Subject": how, "CreationDate": None},
        ".png": {"Title": what, "Description": how},
    }
    return said[ending]
