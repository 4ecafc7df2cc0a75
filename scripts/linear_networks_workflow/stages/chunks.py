"""A chunk of runs as the jobs that measure it take it: block by block, each run with its samples."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from linear_networks.arrays import Array
from linear_networks.matrices.source import Data
from linear_networks_workflow import logs
from linear_networks_workflow.dataset import parquet

# What is measured of samples.
NUMBERS, VECTORS = ("t", "distance", "gramian_distance"), ("singular_values", "product")

Samples = Mapping[str, Array]


def blocks(
    files: Any, progress: Callable[[float], None]
) -> Iterator[tuple[pa.Table, pa.Table, dict[str, Data], Callable[[float], None]]]:
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
            some = runs.read_row_group(number)
            named = (some[name].to_pylist() for name in ("matrix", "replicate"))
            matrices = parquet.matrices_of(files.matrices, zip(*named, strict=True))
            share = logs.part(progress, number / count, (number + 1) / count)
            yield some, trajectories.read_row_group(number, ["run", *NUMBERS, *VECTORS]), matrices, share


def with_samples(
    runs: pa.Table, trajectories: pa.Table, progress: Callable[[float], None]
) -> Iterator[tuple[dict[str, Any], Samples | None]]:
    """Each run with its samples, None where it has none; `progress` is called as they are taken.

    The samples of a run stand together. They are arrays by column: NUMBERS of shape (samples,), NaN where null, and
    VECTORS of shape (samples, entries), without entries where null.
    """
    keys = trajectories["run"].combine_chunks().dictionary_encode()
    counts = np.bincount(keys.indices.to_numpy(), minlength=len(keys.dictionary))
    ends = np.cumsum(counts)
    places = dict(zip(keys.dictionary.to_pylist(), map(slice, ends - counts, ends), strict=True))
    numbers = {name: trajectories[name].to_numpy() for name in NUMBERS}
    vectors = {name: _flat(trajectories[name].combine_chunks()) for name in VECTORS}
    for done, run in enumerate(runs.to_pylist(), 1):
        place = places.get(run["run"])
        if place is None:
            yield run, None
        else:
            some = {
                name: values[offsets[place.start] : offsets[place.stop]] for name, (values, offsets) in vectors.items()
            }
            shaped = {name: values.reshape(place.stop - place.start, -1) for name, values in some.items()}
            yield run, {name: values[place] for name, values in numbers.items()} | shaped
        progress(done / len(runs))


def _flat(lists: pa.ListArray) -> tuple[Array, np.ndarray]:
    """The numbers of lists one after the other, and where each begins, and the last ends."""
    lengths = lists.value_lengths().fill_null(0).to_numpy()
    return lists.flatten().to_numpy(), np.concatenate([[0], np.cumsum(lengths)])
