"""Validation of a config: its keys against what the components declare, then across the keys."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from linear_networks_workflow import costs
from linear_networks_workflow.config import checks, figures
from linear_networks_workflow.config.messages import explained
from linear_networks_workflow.config.models import Config
from linear_networks_workflow.errors import ConfigError

__all__ = ["ConfigError", "prepare", "validate"]


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
    figures.check(config)


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
    return list(checks.warnings(config, file.parent))


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
