"""Comparing what is stored with what is computed again.

On the machine that made a dataset, computing again gives the same bits. Elsewhere other versions, processors and
libraries round differently, and a dynamics can amplify that: near a saddle, or where descent neither settles nor
diverges. So where a number is farther from the stored one than `TOLERANCE`, its run is computed some more times, from
numbers that are changed by rounding alone: the stored number is refused if that does not move it, or if it is the only
one that differs.

Whether a rate can be measured is decided by thresholds, and at their edge by rounding. A rate that is stored and not
computed again, or the other way round, is refused unless one of some more computations from such numbers decides, and
finds, what is stored.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from linear_networks_workflow.dataset.audit.edges import Pair
from linear_networks_workflow.errors import InputError

Change = Callable[[np.ndarray], np.ndarray]
Frames = Mapping[str, pd.DataFrame]

# Relative to the largest number of the column in the run; other processors' kernels were seen to give 3e-11.
TOLERANCE = 1e-9

# Relative change of numbers that stands for another machine's rounding, how often it is drawn, and how much more
# than these draws another machine may differ.
ROUNDING, DRAWS, SLACK = 1e-14, 3, 10.0

# The same for whether a rate can be measured: an edge that one draw in eight crosses is missed in one case of 70.
EDGE_DRAWS = 32

# What depends on the machine: seconds, and how often an adaptive method evaluates.
VARYING = ("seconds", "evaluations")


class Deviation(NamedTuple):
    """How far the stored values of a column are from those computed again, relative to the largest of them.

    Attributes
    ----------
    column : str
    size : float
        Infinite where words, whole numbers or what is missing differ.
    message : str
        The two values where they are farthest apart.
    row : int
        Place of these.
    """

    column: str
    size: float
    message: str
    row: int = 0


class Comparison(NamedTuple):
    """What was found of a table.

    Attributes
    ----------
    largest : Deviation
        Of those that are within `TOLERANCE`.
    rounded : int
        Number of columns of runs beyond it, as rounding makes them.
    edges : int
        Number of rates that are at the edge of being measurable, stored but not computed again or the other way round.
    """

    largest: Deviation
    rounded: int
    edges: int = 0


def disagreement(file: str, row: str | None, column: str, message: str) -> InputError:
    """The error that names where a dataset is wrong."""
    return InputError(f"{file}: {f'{row}, ' if row else ''}column {column}: {message}")


def compare_runs(
    stored: Frames, compute: Callable[[Change], Frames], files: Mapping[str, str], least: Mapping[str, float]
) -> dict[str, Comparison]:
    """Compare rows of runs with what is computed of them, by stage.

    Parameters
    ----------
    stored : mapping to DataFrame
        By stage; with a column `run`.
    compute : callable
        Computes the rows again, from numbers that it passes through the function that it is given.
    files : mapping to str
        File of each stage, for errors.
    least : mapping to float
        By run, the size below which its numbers are rounding of larger ones; no column is measured against less.

    Raises
    ------
    InputError
    """
    again = compute(lambda numbers: numbers)
    changed = cache(lambda draw: compute(partial(_rounded, np.random.default_rng(draw))))
    found = {}
    for stage, frame in again.items():
        pairs = {run: Pair.of(_of(run, stored[stage]), _of(run, frame)) for run in least}
        deviating = [
            (run, some)
            for run, pair in pairs.items()
            for some in deviations(pair.stored, pair.again, least[run])
            if some.size
        ]
        edges = sum(len(pair.edges) for pair in pairs.values())
        # Another machine rounds in many places: all but one being equal to the last bit is no rounding.
        alone = len(deviating) + edges == 1
        for run, pair in pairs.items():
            variants = (_of(run, changed(draw)[stage]) for draw in range(EDGE_DRAWS))
            if pair.edges and (alone or not pair.explained(variants)):
                raise disagreement(files[stage], f"run {run}", "measured", pair.message())
        largest, rounded = Deviation("", 0.0, ""), 0
        for run, deviation in deviating:
            if deviation.size <= TOLERANCE:
                largest = max(largest, deviation, key=lambda some: some.size)
                continue
            variants = (_of(run, changed(draw)[stage]) for draw in range(DRAWS))
            moved = (_moved(other, _of(run, frame), deviation, least[run]) for other in variants)
            if alone or deviation.size > SLACK * max(moved):
                raise disagreement(files[stage], f"run {run}", deviation.column, deviation.message)
            rounded += 1
        found[stage] = Comparison(largest, rounded, edges)
    return found


def _of(run: str, frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["run"] == run]


def _moved(variant: pd.DataFrame, again: pd.DataFrame, deviation: Deviation, least: float) -> float:
    """How far rounding has moved a column; infinitely where it has changed the number of rows, or lets what deviates be
    measured or not."""
    pair = Pair.of(variant, again)
    if deviation.row in pair.edges:
        return np.inf
    sizes = {some.column: some.size for some in deviations(pair.stored, pair.again, least)}
    return sizes.get(deviation.column, np.inf)


def _rounded(rng: np.random.Generator, numbers: np.ndarray) -> np.ndarray:
    """The numbers, changed as another machine's rounding would; a symmetric matrix stays symmetric."""
    noise = rng.standard_normal(numbers.shape)
    if numbers.ndim == 2 and np.array_equal(numbers, numbers.T):
        noise = noise + noise.T
    return numbers * (1.0 + ROUNDING * noise)


def deviations(stored: pd.DataFrame, again: pd.DataFrame, least: float = 0.0) -> Iterator[Deviation]:
    """Deviation of each column of the same rows; of the column `run` where there are more or fewer rows."""
    if len(stored) != len(again):
        yield Deviation("run", np.inf, f"{len(stored)} rows are stored, {len(again)} computed again")
        return
    if again.empty:
        return
    for column in again.columns.difference(VARYING, sort=False):
        size, row, message = _deviation(stored[column].tolist(), again[column].tolist(), least)
        at = f"at t = {again['t'].iloc[row]:g} " if "t" in again else ""
        yield Deviation(column, size, at + message, row)


def _deviation(stored: Sequence[Any], again: Sequence[Any], least: float) -> tuple[float, int, str]:
    """Size, row and description of the largest deviation of a column."""
    for row, (one, other) in enumerate(zip(stored, again, strict=True)):
        if not _comparable(one, other):
            return np.inf, row, f"{one} is stored, {other} computed again"
    numbers = [row for row, value in enumerate(again) if _is_number(value) and not np.any(pd.isna(value))]
    if not numbers:
        return 0.0, 0, ""
    left, right = (np.concatenate([np.atleast_1d(values[row]) for row in numbers]) for values in (stored, again))
    gaps = np.abs(left - right)
    place = int(np.argmax(gaps))
    size = gaps[place] / max(np.max(np.abs(right)), least) if gaps[place] else 0.0
    row = numbers[int(np.searchsorted(np.cumsum([np.size(again[row]) for row in numbers]), place, side="right"))]
    return float(size), row, f"{left[place]:.17g} is stored, {right[place]:.17g} computed again"


def _comparable(one: Any, other: Any) -> bool:
    """Whether two values are numbers, or lists of as many numbers, or else are equal or both missing."""
    if _is_number(one) and _is_number(other):
        return np.shape(one) == np.shape(other) and np.array_equal(np.isnan(one), np.isnan(other))
    return one is other or bool(
        np.ndim(one) == np.ndim(other) == 0 and ((pd.isna(one) and pd.isna(other)) or one == other)
    )


def _is_number(value: Any) -> bool:
    """Whether a value is a real number or an array of them; all else is compared exactly."""
    return np.asarray(value).dtype.kind == "f"
