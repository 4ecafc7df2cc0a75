"""Errors that a user reads: one line, saying where, what is wrong and what to do."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

# Characters of a value, and names of many, that a line shows.
LONGEST, MOST_NAMES = 40, 8


class InputError(ValueError):
    """What is wrong with the user's input, in one line that names where and what to do."""


class ConfigError(InputError):
    """What is wrong with a config, in one line: the key's path, then what is allowed there."""

    def __init__(self, path: str, message: str):
        text = f"{path}: {message}" if path else message
        # In one line, whatever a config has.
        super().__init__("".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text))
        self.path, self.message = path, message


def cut(text: str, most: int = 80) -> str:
    """A text with what is too long to be read left out."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def unknown(what: str, name: Any, allowed: Iterable[str]) -> str:
    """Message about a name that is none of the allowed ones, with the nearest of them."""
    allowed = sorted(allowed)
    near = difflib.get_close_matches(str(name), allowed, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {what} {cut(repr(name))}; {hint}allowed: {', '.join(allowed)}"


def short(value: Any) -> str:
    """A value in one line that is not long: text in quotes, and an exception by what it says."""
    if isinstance(value, Exception):
        text = " ".join(str(value).split()) or type(value).__name__
    else:
        text = repr(value) if isinstance(value, str) else " ".join(str(value).split())
    return cut(text, LONGEST)


def listed(names: Sequence[str]) -> str:
    """Some names in one line: the first ones of many."""
    shown = ", ".join(short(name).strip("'") for name in names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown}, … ({len(names)} in all)"
