"""A chunk of runs as the jobs that measure it take it: block by block, each run with its samples."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from linear_networks.matrices.source import Data
from linear_networks_workflow import logs
from linear_networks_workflow.dataset import parquet


def blocks(
    files: Any, progress: Callable[[float], None]
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame, dict[str, Data], Callable[[float], None]]]:
    """A chunk block by block: runs, their trajectories, their matrices, and the function that takes their progress.

    Parameters
    ----------
    files
        Paths of the chunk's `runs` and `trajectories`, and of the `matrices`.
    progress : callable
        Called with the fraction done of the whole chunk.
    """
    checked = partial(pq.ParquetFile, page_checksum_verification=True)
    with checked(files.runs) as runs, checked(files.trajectories) as trajectories:
        count = runs.num_row_groups
        for number in range(count):
            some = runs.read_row_group(number).to_pandas()
            matrices = parquet.matrices_of(files.matrices, zip(some["matrix"], some["replicate"], strict=True))
            share = logs.part(progress, number / count, (number + 1) / count)
            yield some, trajectories.read_row_group(number).to_pandas(), matrices, share


def with_samples(
    runs: pd.DataFrame, trajectories: pd.DataFrame, progress: Callable[[float], None]
) -> Iterator[tuple[dict[str, Any], pd.DataFrame | None]]:
    """Each run with its samples, None where it has none; `progress` is called as they are taken."""
    samples = dict(list(trajectories.groupby("run", sort=False)))
    for place, run in enumerate(runs.to_dict("records")):
        yield run, samples.get(run["run"])
        progress((place + 1) / len(runs))
