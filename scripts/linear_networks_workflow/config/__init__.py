"""Validation of a config: its keys against what the components declare, then across the keys."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from linear_networks_workflow import costs
from linear_networks_workflow.config import checks, figures, limits, parts
from linear_networks_workflow.config.messages import explained
from linear_networks_workflow.config.models import Config
from linear_networks_workflow.config.parts import text
from linear_networks_workflow.config.reading import read
from linear_networks_workflow.errors import ConfigError, InputError

__all__ = ["ConfigError", "default", "ending", "load", "prepare", "text", "validate"]


def validate(config: dict, folder: Path) -> None:
    """Check a config, and write out in place what it leaves to defaults, and names that stand for blocks.

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
    try:
        model = Config.model_validate(config)
    except ValidationError as error:
        raise explained(error, config) from None
    _complete(config, model)
    checks.check(config, folder)
    figures.check(config, folder)


def prepare(config: dict, file: Path) -> list[str]:
    """Validate the config read from `file` and give every experiment its `runs_per_job`.

    It is the experiment's own, that of the config, or what its costs suggest.

    Returns
    -------
    list of str
        Warnings, a line each, about what may be meant.
    """
    validate(config, file.parent)
    for name, experiment in config["experiments"].items():
        of_run = costs.Costs.of(experiment, file.parent)
        own = experiment.get("runs_per_job", config.get("runs_per_job"))
        experiment["runs_per_job"] = own or of_run.runs_per_job()
        limits.check(experiment, of_run, f"experiments.{name}")
    return list(checks.warnings(config, file.parent))


def load(config: dict, file: Path, files: Sequence[Path], given: Mapping[str, Any]) -> list[str]:
    """Prepare a config that Snakemake has merged.

    Parameters
    ----------
    config : dict
    file : Path
        Whose folder relative paths start at when the config is prepared; those of other files are changed to do so.
    files : sequence of Path
        That it was read from. The last one holds. None where it is that of a module, whose user has read it.
    given : mapping
        What Snakemake was given beside them, as a dict or by `--config`.

    Returns
    -------
    list of str
        Warnings, a line each, with the name of the file that they are about.

    Raises
    ------
    ConfigError
        At the first thing that is wrong, likewise.
    """
    given = parts.typed(given)
    parts.merge(config, given)
    known = parts.of(files, given) or [parts.Part(str(file), file.parent, config)]
    parts.anchor(config, known, file.parent)
    try:
        warned = prepare(config, file)
    except ConfigError as error:
        raise ConfigError(parts.origin(error.path.split("."), known).name, str(error)) from None
    return [f"{parts.origin(line.partition(':')[0].split('.'), known).name}: {line}" for line in warned]


@contextmanager
def ending() -> Iterator[None]:
    """End the process with the line of an error of the user's input."""
    try:
        yield
    except InputError as error:
        sys.exit(str(error))


def default(*folders: Path) -> Path:
    """The config where none is given: that of the first folder, or else that of the last.

    Raises
    ------
    ConfigError
        If it cannot be read. Snakemake, which reads it next, would not say where in it.
    """
    files = [folder / "config.yaml" for folder in folders]
    file = next(filter(os.path.lexists, files), files[-1])
    read(file)
    return file


def _complete(node: Any, model: Any) -> Any:
    """A part of a config with everything that its model has beyond it; the order of its keys stays."""
    if isinstance(model, BaseModel):
        node = node if isinstance(node, dict) else {}
        for key, value in model:
            if value is not None:
                node[key] = _complete(node.get(key, value), value)
    elif isinstance(model, dict):
        node |= {key: _complete(node[key], value) for key, value in model.items()}
    elif isinstance(model, list):
        node[:] = [_complete(part, value) for part, value in zip(node, model, strict=True)]
    return node
