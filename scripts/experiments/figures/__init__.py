"""One module per kind of figure, each with `draw(tables, **options) -> Figure`.

`tables` holds the data frames of the stages that the kind needs, reduced to the runs that the figure is of.
"""

from collections.abc import Mapping
from typing import Any

NEEDS: dict[str, tuple[str, ...]] = {
    "reconstruction": ("matrices", "runs", "trajectories"),
    "comparison": ("runs", "trajectories", "lambda0"),
    "lambda0": ("runs", "lambda0"),
    "loss": ("runs", "trajectories"),
    "regimes": ("runs", "rates"),
    "modes": ("matrices", "runs", "trajectories"),
    "descent-vs-flow": ("runs", "trajectories"),
    "rates": ("runs", "rates"),
}


def module_of(kind: str) -> str:
    """Name of the module of a kind, below this package."""
    return kind.replace("-", "_")


def experiments_of(figure: Mapping[str, Any]) -> list[str]:
    """Names of the experiments that a figure draws."""
    named = figure["experiment"]
    return named if isinstance(named, list) else [named]
