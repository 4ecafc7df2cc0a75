"""Draw or read the data matrices of one experiment."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from experiments import datasets, grid, inputs, logs
from gradflow import matrices


def generate(experiment: str, seed: int, replicates: int, points: Sequence[Mapping], folder: str) -> pa.Table:
    """One row per matrix: every point of the experiment's `matrix`, in every replicate if it is drawn."""
    rows = []
    for point in points:
        for replicate in range(replicates if grid.is_drawn(point) else 1):
            matrix = draw(point, grid.random_stream(seed, replicate, "matrix"), folder)
            rows.append(
                {
                    "matrix": grid.matrix_id(experiment, seed, replicate, point),
                    "experiment": experiment,
                    "source": point["source"],
                    "replicate": replicate if grid.is_drawn(point) else None,
                    "rows": matrix.shape[0],
                    "columns": matrix.shape[1],
                    "values": matrix.ravel(),
                    "singular_values": np.linalg.svd(matrix, compute_uv=False),
                }
            )
    return datasets.table(rows, datasets.MATRICES)


def draw(point: Mapping[str, Any], rng: np.random.Generator, folder: str) -> np.ndarray:
    """The matrix of a point; relative paths start at `folder`."""
    match point["source"]:
        case "gaussian":
            return matrices.gaussian(rng, point["rows"], point["columns"], point["symmetric"])
        case "spectrum":
            return matrices.spectrum(rng, point["rows"], point["columns"], point["values"], point["symmetric"])
        case "file":
            return inputs.read_matrix(Path(folder, point["path"]))
        case "table":
            features, targets, note = inputs.read_table(Path(folder, point["path"]), point["target"])
            matrix, rank = matrices.correlation(features, targets)
            logging.info("%s: %s", point["path"], note)
            if rank < features.shape[1]:
                logging.info(
                    "%s: %d of %d features are constant or collinear; the pseudo-inverse leaves them out",
                    point["path"],
                    features.shape[1] - rank,
                    features.shape[1],
                )
            return matrix
    raise ValueError(f"unknown source {point['source']!r}")


if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]):
        experiment, config = snakemake.wildcards.experiment, snakemake.config
        table = generate(experiment, **snakemake.params)
        datasets.write(table, snakemake.output[0], grid.provenance(config, experiment))
