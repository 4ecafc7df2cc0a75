"""What is wrong with a config, in one line: where, what is allowed there, and what may be meant."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from linear_networks.components import REQUIRED
from linear_networks_workflow import keys
from linear_networks_workflow.config.values import KINDS, WORDS, shown
from linear_networks_workflow.errors import ConfigError, cut, unknown

MISSING = ("missing", "union_tag_not_found")

# What a value of another type is not.
TYPES = {
    "list_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "string_type": KINDS[str],
}


def explained(wrong: ValidationError, config: Mapping[str, Any]) -> ConfigError:
    """The error of a config that says most, in one line."""
    # A value that is wrong says more than one that is missing.
    error = min(wrong.errors(include_url=False), key=lambda error: error["type"] in MISSING)
    path, message = _explain(error, *_place(error, config))
    return ConfigError(".".join(map(str, path)), message)


def _place(error: ErrorDetails, config: Any) -> tuple[list[str | int], Any]:
    """Keys and places that lead to an error, and what stands there in the config.

    Among them, the location of the error names alternatives of types, which lead nowhere.
    """
    path: list[str | int] = []
    for part in error["loc"]:
        if _leads_on(config, part):
            path.append(part)
            config = config[part]
    return path, config


def _leads_on(node: Any, part: str | int) -> bool:
    if isinstance(node, Mapping):
        return part in node
    return isinstance(node, list) and isinstance(part, int)


def _explain(error: ErrorDetails, path: list[str | int], value: Any) -> tuple[Sequence[str | int], str]:
    kind, context = error["type"], error.get("ctx", {})
    match kind:
        case "refused":
            return [*path, *context.get("keys", ())], context["message"]
        case "missing":
            return [*path, error["loc"][-1]], "missing"
        case "union_tag_not_found" if isinstance(value, Mapping):
            (naming,) = _unquoted(context["discriminator"])
            mistyped = difflib.get_close_matches(naming, map(str, value), n=1)
            message = f"unknown key {mistyped[0]!r}; did you mean {naming!r}?" if mistyped else "missing"
            return [*path, *(mistyped or [naming])], message
        case "union_tag_invalid":
            # A name that stands for its block has no key.
            key = _unquoted(context["discriminator"]) if isinstance(value, Mapping) else []
            return [*path, *key], unknown("value", context["tag"], _unquoted(context["expected_tags"]))
        case "literal_error":
            return path, unknown("value", error["input"], _unquoted(context["expected"]))
        case "too_short" | "string_too_short":
            return path, "is empty; it needs at least one value"
        case "string_pattern_mismatch":
            return _above_key(path, error), f"{cut(repr(error['input']))} is no name: use {WORDS}"
        case "string_type" if error["loc"][-1] == "[key]":
            return _above_key(path, error), f"{shown(error['input'])} is no name; write it in quotes if it is meant"
    return path, f"{shown(error['input'])} is not {TYPES.get(kind, TYPES['model_type'])}{_block(path, value)}"


def _above_key(path: list[str | int], error: ErrorDetails) -> list[str | int]:
    """The place of the block whose key is wrong."""
    return path[:-1] if error["loc"][-1] == "[key]" and path[-1] == error["input"] else path


def _block(path: Sequence[str | int], value: Any) -> str:
    """What to write where a component is named without its block."""
    room = next((keys.ROOMS[str(key)] for key in reversed(path[-2:]) if key in keys.ROOMS), None)
    if room is None or not isinstance(value, str):
        return ""
    if path[-1] == "dynamics":
        return f"; write [{cut(value)}]"
    near = difflib.get_close_matches(value, room.components, n=1)
    if not near:
        return f"; allowed for its key {room.key}: {', '.join(sorted(room.components))}"
    needed = [name for name, one in room.components[near[0]].parameters.items() if one.default is REQUIRED]
    return f"; write {{{', '.join([f'{room.key}: {near[0]}', *(f'{name}: …' for name in needed)])}}}"


def _unquoted(words: str) -> list[str]:
    """The words of a text in which they are quoted."""
    return re.findall(r"'(.*?)'", words)
