"""Reading a file of a config as Snakemake does, but for what would be read as something else than it seems.

Of two equal keys Snakemake keeps the last, and it reads `010` as 8 and `1:30` as 90. Where it cannot read a file, it
does not say where in it.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from linear_networks_workflow.errors import ConfigError, cut

# The parser in C is some ten times as fast.
SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Integers with a leading zero, and numbers with colons.
BASE_8, BASE_60 = re.compile(r"[+-]?0[0-7_]+"), re.compile(r"[+-]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")


def read(file: Path) -> dict[str, Any]:
    """A file of a config, in JSON or YAML.

    Raises
    ------
    ConfigError
        If it cannot be read, or does not hold what it seems to; with line and column, where there are any.
    """
    name = os.path.relpath(file)
    try:
        values = _parsed(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(name, "no such file") from None
    except UnicodeDecodeError as error:
        raise ConfigError(name, f"byte {error.start + 1} is not UTF-8; save the file as text in UTF-8") from None
    except OSError as error:
        raise ConfigError(name, f"cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ConfigError(name, _explained(error)) from None
    if not isinstance(values, dict):
        raise ConfigError(name, "holds no keys; a config has at least `experiments:`")
    return values


class _Loader(SafeLoader):
    """Loader that refuses keys that stand twice, and numbers that are not decimal."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        lines: dict[str, int] = {}
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode):
                if key.value in lines:
                    message = f"the key {cut(repr(key.value))} stands in line {lines[key.value]} already; keep one"
                    raise ConstructorError(None, None, message, key.start_mark)
                lines[key.value] = key.start_mark.line + 1
        return super().construct_mapping(node, deep)

    def construct_value(self, node: Any) -> Any:
        text = str(node.value)
        for base, numbers in ((8, BASE_8), (60, BASE_60)):
            if numbers.fullmatch(text):
                message = f"YAML reads {cut(text)} as a number to base {base}; write a decimal one, or text in quotes"
                raise ConstructorError(None, None, message, node.start_mark)
        try:
            return yaml.SafeLoader.yaml_constructors[node.tag](self, node)
        except (ValueError, IndexError, AttributeError):
            message = f"{cut(repr(text))} is no {node.tag.split(':')[-1]}; where text is meant, write it in quotes"
            raise ConstructorError(None, None, message, node.start_mark) from None


for tag in ("int", "float", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{tag}", _Loader.construct_value)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_distinct)
    except ValueError:
        return yaml.load(text, _Loader)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ConstructorError(None, None, f"the key {cut(repr(key))} stands twice in one block; keep one")
        found[key] = value
    return found


def _explained(error: yaml.YAMLError) -> str:
    """What is wrong with a text, in one line: the place, and what was found there."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    if isinstance(error, ConstructorError):
        return place + _in_one_line(problem)
    found = ", ".join(filter(None, (getattr(error, "context", None), problem))) or str(error)
    return f"{place}no YAML: {_in_one_line(found)}; look there and above for a bracket, quote, colon or tab"


def _in_one_line(text: Any) -> str:
    return cut(" ".join(str(text).split()), 200)
