"""One module per kind of figure, each with `draw(tables, **options) -> Figure` and `numbers(tables, **options)`.

`tables` holds the data frames of the stages that the kind needs, reduced to the runs that the figure is of. `numbers`
returns a small data frame of what a reader should take from the figure: it stands below the caption in the report.
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

# Section of the paper that a kind belongs to: the report's categories.
SECTIONS = {
    "modes": "1 Balanced or not, spectral or not",
    "rates": "2-4 Convergence rates",
    "regimes": "3 Acceleration of one mode",
    "reconstruction": "5 Numerical experiments",
    "comparison": "5 Numerical experiments",
    "lambda0": "5 Numerical experiments",
    "loss": "5 Numerical experiments",
    "descent-vs-flow": "G Descent and flow",
}


def module_of(kind: str) -> str:
    """Name of the module of a kind, below this package."""
    return kind.replace("-", "_")


def experiments_of(figure: Mapping[str, Any]) -> list[str]:
    """Names of the experiments that a figure draws."""
    named = figure["experiment"]
    return named if isinstance(named, list) else [named]
