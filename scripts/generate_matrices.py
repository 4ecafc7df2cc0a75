"""Draw or read the data matrices of one experiment."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from linear_networks import matrices
from linear_networks_workflow import grid, inputs, logs
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.dataset.parquet import Matrix

# Matrices in a row group: a job that needs some of them reads no others.
BLOCK = 1000


def generate(
    experiment: str, seed: int, replicates: int, points: Sequence[Mapping], folder: str
) -> Iterator[dict[str, Any]]:
    """A row for each matrix: every point of the experiment's `matrix`, in every replicate if it is drawn."""
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


def draw(point: Mapping[str, Any], rng: np.random.Generator, folder: str) -> Matrix:
    """The matrix of a point; relative paths start at `folder`."""
    match point["source"]:
        case "gaussian":
            return Matrix(matrices.gaussian(rng, point["rows"], point["columns"], point["symmetric"]))
        case "spectrum":
            sides = point["rows"], point["columns"]
            return Matrix(matrices.spectrum(rng, *sides, point["values"], point["symmetric"]))
        case "teacher":
            return Matrix(*matrices.teacher(rng, point["samples"], point["features"], point["noise"]))
        case "file":
            return Matrix(inputs.read_matrix(Path(folder, point["path"])))
        case "table":
            return Matrix(correlation(Path(folder, point["path"]), point["target"]))
    raise ValueError(f"unknown source {point['source']!r}")


def correlation(path: Path, target: str) -> np.ndarray:
    """Whitened input-output correlation of a table; what was read and left out goes to the log."""
    features, targets, note = inputs.read_table(path, target)
    matrix, rank = matrices.correlation(features, targets)
    logging.info("%s: %s", path, note)
    if rank < features.shape[1]:
        message = "%s: %d of %d features are constant or collinear; the pseudo-inverse leaves them out"
        logging.info(message, path, features.shape[1] - rank, features.shape[1])
    return matrix


if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]):
        experiment = snakemake.wildcards.experiment
        keys = ("seed", "replicates", "points", "folder")
        rows = generate(experiment, *(snakemake.params[key] for key in keys))
        provenance = grid.provenance(snakemake.config, experiment)
        with parquet.writing(snakemake.output[0], parquet.MATRICES, provenance) as add:
            while block := list(islice(rows, BLOCK)):
                add(parquet.table(block, parquet.MATRICES))
