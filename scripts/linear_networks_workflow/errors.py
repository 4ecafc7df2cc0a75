"""Errors that a user reads: one line, saying where, what is wrong and what to do."""

import difflib
from collections.abc import Iterable
from typing import Any


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
