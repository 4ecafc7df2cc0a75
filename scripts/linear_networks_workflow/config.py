"""Validation of a config against its schema, with errors of one line that say what to write instead."""

import copy
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from jsonschema import Draft202012Validator, ValidationError

from linear_networks_workflow import checks, costs
from linear_networks_workflow.errors import ConfigError, unknown

SCHEMA = Path(__file__).parents[2] / "workflow" / "schemas" / "config.schema.yaml"


def validate(config: dict, folder: Path) -> None:
    """Check a config against the schema and across its keys, and fill in the schema's defaults in place.

    Parameters
    ----------
    config : dict
        As read from YAML.
    folder : Path
        Where the config file lies; relative paths in the config start there.

    Raises
    ------
    ConfigError
        At the first thing that is wrong.
    """
    schema = yaml.safe_load(SCHEMA.read_text())
    errors = [_innermost(error) for error in _Validator(schema).iter_errors(config)]
    # A mistyped key is both unknown and missing: the first says more.
    for error in sorted(errors, key=lambda error: error.validator == "required"):
        raise _explain(error)
    for check in checks.CHECKS:
        check(config, folder)


def prepare(config: dict, file: Path) -> list[str]:
    """Validate the config read from `file` and give every experiment its `runs_per_job`.

    It is the experiment's own, that of the config, or what its costs suggest.

    Returns
    -------
    list of str
        Warnings, a line each, about what may be meant.
    """
    validate(config, file.parent)
    for experiment in config["experiments"].values():
        own = experiment.get("runs_per_job", config.get("runs_per_job"))
        experiment["runs_per_job"] = own or costs.Costs.of(experiment, file.parent).runs_per_job()
    return list(checks.warnings(config))


def check_writable(folder: Path) -> None:
    """Raise `ConfigError` if results cannot be written below a folder, which need not exist yet."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        message = f"{existing.absolute()} cannot be written; change its permissions or run with --directory ELSEWHERE"
        raise ConfigError("", message)


def _innermost(error: ValidationError) -> ValidationError:
    """The error of the alternative that was meant: that for lists if a list is given, and the deepest in it."""
    while error.context:
        branches = error.validator_value
        is_list = isinstance(error.instance, list)
        fitting = [e for e in error.context if (branches[e.schema_path[0]].get("type") == "array") == is_list]
        error = max(fitting or error.context, key=lambda e: (len(e.absolute_path), e.validator != "const"))
    return error


def _explain(error: ValidationError) -> ConfigError:
    """One line for a schema error: the key, what it holds, what it may hold."""
    path, value, rule = [*error.absolute_path], error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            allowed = list(error.schema["properties"])
            key = next(key for key in value if key not in allowed)
            return ConfigError(_path([*path, key]), unknown("key", key, allowed))
        case "required":
            key = next(key for key in rule if key not in value)
            return ConfigError(_path([*path, key]), "missing")
        case "enum":
            return ConfigError(_path(path), unknown("value", value, rule))
        case "minItems" | "minProperties":
            return ConfigError(_path(path), "is empty; it needs at least one value")
        case "uniqueItems":
            return ConfigError(_path(path), f"{value} lists a value twice")
        case "pattern":
            return ConfigError(_path(path), f"{value!r} is no name: use letters, digits, - and _")
        case "type" | "minimum" | "exclusiveMinimum":
            if isinstance(value, str) and error.schema.get("type") in ("number", "integer") and _number(value):
                return ConfigError(_path(path), f"{value!r} is text; YAML needs a decimal point: {float(value):.1e}")
            return ConfigError(_path(path), f"{_shown(value)} is not {_allowed(error.schema)}")
    return ConfigError(_path(path), error.message)


def _allowed(schema: Mapping) -> str:
    """What a schema of one type allows, in words."""
    words = {
        "integer": "an integer",
        "number": "a finite number",
        "string": "text",
        "boolean": "true or false",
        "array": "a list",
        "object": "a mapping of keys to values",
    }
    bounds = [f" {sign} {schema[key]}" for key, sign in (("minimum", ">="), ("exclusiveMinimum", ">")) if key in schema]
    return words[schema["type"]] + "".join(bounds)


def _number(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+", text) is not None


def _shown(value: Any) -> str:
    return (
        f"{value!r} (text)" if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True).split("\n")[0]
    )


def _path(keys: Iterable) -> str:
    return ".".join(str(key) for key in keys)


def _fill_defaults(validator: Any, properties: Mapping, instance: Any, schema: Mapping) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for key, subschema in properties.items():
            if isinstance(subschema, dict) and "default" in subschema:
                instance.setdefault(key, copy.deepcopy(subschema["default"]))
    yield from Draft202012Validator.VALIDATORS["properties"](validator, properties, instance, schema)


def _is_number(checker: Any, value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_Validator = jsonschema.validators.extend(
    Draft202012Validator,
    {"properties": _fill_defaults},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number),
)
