"""What is wrong with a config, in one line: where, what is allowed there, and what may be meant."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from linear_networks_workflow.config.values import KINDS, shown
from linear_networks_workflow.errors import ConfigError, unknown

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
            return [*path, *_unquoted(context["discriminator"])], "missing"
        case "union_tag_invalid":
            # A name that stands for its block has no key.
            key = _unquoted(context["discriminator"]) if isinstance(value, Mapping) else []
            return [*path, *key], unknown("value", context["tag"], _unquoted(context["expected_tags"]))
        case "literal_error":
            return path, unknown("value", error["input"], _unquoted(context["expected"]))
        case "too_short" | "string_too_short":
            return path, "is empty; it needs at least one value"
        case "string_pattern_mismatch":
            of_key = error["loc"][-1] == "[key]"
            return path[:-1] if of_key else path, f"{error['input']!r} is no name: use letters, digits, - and _"
    return path, f"{shown(error['input'])} is not {TYPES.get(kind, TYPES['model_type'])}"


def _unquoted(words: str) -> list[str]:
    """The words of a text in which they are quoted."""
    return re.findall(r"'(.*?)'", words)
