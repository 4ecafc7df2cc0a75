"""The data matrices of an experiment: drawn, or read from a user's files."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from linear_networks.matrices import SOURCES
from linear_networks.matrices.source import Data
from linear_networks_workflow import grid, inputs


def generate(
    experiment: str, seed: int, replicates: int, points: Sequence[Mapping[str, Any]], folder: str | Path
) -> Iterator[dict[str, Any]]:
    """A row for each matrix: every point of the experiment's `matrix`, in every replicate if it is drawn.

    Relative paths start at `folder`.
    """
    for point in points:
        for replicate in range(replicates if grid.is_drawn(point) else 1):
            matrix = draw(point, grid.random_stream(seed, replicate, "matrix"), folder)
            yield {
                "matrix": grid.matrix_id(experiment, seed, replicate, point),
                "experiment": experiment,
                "source": point["source"],
                "replicate": replicate if grid.is_drawn(point) else None,
                "rows": matrix.values.shape[0],
                "columns": matrix.values.shape[1],
                "singular_values": np.linalg.svdvals(matrix.values),
                **{name: part.ravel() for name, part in matrix._asdict().items() if part is not None},
            }


def draw(point: Mapping[str, Any], rng: np.random.Generator, folder: str | Path) -> Data:
    """The matrix of a point; what was read, and what of it was left out, goes to the log."""
    source = SOURCES[point["source"]]
    resolved = inputs.resolve(point, folder)
    if source.reads is None:
        return source.draw(rng, **resolved.parameters)
    logging.info("%s", resolved.note)
    return source.draw(**resolved.parameters)
