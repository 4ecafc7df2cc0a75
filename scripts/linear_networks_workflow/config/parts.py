"""The parts of a config: its files, and what is given beside them; in which of them something stands."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from linear_networks_workflow.config.reading import read

# What Python and YAML call them.
BOOLEANS = {"True": True, "true": True, "False": False, "false": False}


class Part(NamedTuple):
    """A part of a config; its values hold over those of the parts before it.

    Attributes
    ----------
    name : str
        Of the file, from the working directory, or what stands for it in messages.
    folder : Path
        Where its relative paths start.
    values : mapping
    """

    name: str
    folder: Path
    values: Mapping[str, Any]


def of(files: Sequence[Path], given: Mapping[str, Any]) -> list[Part]:
    """Files, each read once more by itself, and what is given beside them, as for a file in the working directory.

    Raises
    ------
    ConfigError
        If a file cannot be read, or does not hold what it seems to.
    """
    # A pipe is empty after Snakemake has read it.
    values = [{} if file.is_fifo() else read(file) for file in files]
    parts = [
        Part(os.path.relpath(file), Path(os.path.relpath(file.parent)), held)
        for file, held in zip(files, values, strict=True)
    ]
    return [*parts, Part("config", Path(), given)] if given else parts


def typed(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given beside files, with numbers where Snakemake leaves text: below the first level of `--config`.

    A mapping or list of texts alone comes from there. They are read as Snakemake reads values of the first level.
    """
    return {key: _numbers(value) if _is_text(value) else value for key, value in given.items()}


def _is_text(value: Any) -> bool:
    parts = value.values() if isinstance(value, Mapping) else value
    return isinstance(value, Mapping | list) and all(isinstance(part, str) or _is_text(part) for part in parts)


def _numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_numbers(part) for part in value]
    for convert in (int, float, BOOLEANS.__getitem__):
        try:
            return convert(value)
        except (ValueError, KeyError):
            pass
    return value


def text(value: Any) -> str:
    """What is given beside files, in the form of YAML that `--config` takes."""
    return yaml.safe_dump(value, default_flow_style=True, width=2**31).split("\n")[0]


def merge(config: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Put values into a config as Snakemake does: of mappings the keys, of all else the whole."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            config[key] = config[key] if isinstance(config.get(key), dict) else {}
            merge(config[key], value)
        else:
            config[key] = value


def origin(path: Sequence[str], parts: Sequence[Part]) -> Part:
    """The part that a path of keys leads furthest in; of several, the last."""
    return max(reversed(parts), key=lambda part: _length(path, part.values))


def _length(path: Sequence[str], node: Any) -> int:
    for length, key in enumerate(path):
        if isinstance(node, Mapping) and key in node:
            node = node[key]
        elif isinstance(node, list) and key.isdecimal() and int(key) < len(node):
            node = node[int(key)]
        else:
            return length
    return len(path)


def anchor(config: Mapping[str, Any], parts: Sequence[Part], folder: Path) -> None:
    """Let the relative paths of a config, which start at the parts that they stand in, start at a folder.

    Nothing of the config is checked yet.
    """
    for section, key in (("experiments", "matrix"), ("figures", "where")):
        blocks = config.get(section)
        for name, block in blocks.items() if isinstance(blocks, Mapping) else ():
            if isinstance(block, dict) and key in block:
                block[key] = _anchored(block[key], [section, str(name), key], parts, folder)


def _anchored(node: Any, place: list[str], parts: Sequence[Part], folder: Path) -> Any:
    if isinstance(node, list):
        return [_anchored(block, [*place, str(number)], parts, folder) for number, block in enumerate(node)]
    if not isinstance(node, Mapping) or "path" not in node:
        return node
    part = origin([*place, "path"], parts)
    if os.path.abspath(part.folder) == os.path.abspath(folder):
        return node
    # A copy, as YAML's aliases let a block stand in several places.
    return {**node, "path": _moved(node["path"], part.folder, folder)}


def _moved(path: Any, before: Path, after: Path) -> Any:
    if isinstance(path, list):
        return [_moved(one, before, after) for one in path]
    if not isinstance(path, str) or not path or os.path.isabs(path):
        return path
    return os.path.relpath(before / path, after)
