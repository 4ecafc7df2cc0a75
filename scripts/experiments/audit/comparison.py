"""Comparing what is stored with what is computed again.

On the machine that made a dataset, computing again gives the same bits. Elsewhere other versions, processors and
libraries round differently, and a dynamics can amplify that: near a saddle, or where descent neither settles nor
diverges. So where a number is farther from the stored one than `TOLERANCE`, its run is computed some more times, from
numbers that are changed by rounding alone: the stored number is refused if that does not move it, or if it is the only
one that differs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from experiments.errors import InputError

Change = Callable[[np.ndarray], np.ndarray]
Frames = Mapping[str, pd.DataFrame]

# Relative to the largest number of the column in the run; other processors' kernels were seen to give 3e-11.
TOLERANCE = 1e-9

# Relative change of numbers that stands for another machine's rounding, how often it is drawn, and how much more
# than these draws another machine may differ.
ROUNDING, DRAWS, SLACK = 1e-14, 3, 10.0

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
    """

    column: str
    size: float
    message: str


class Comparison(NamedTuple):
    """What was found of a table.

    Attributes
    ----------
    largest : Deviation
        Of those that are within `TOLERANCE`.
    rounded : int
        Number of columns of runs beyond it, as rounding makes them.
    """

    largest: Deviation
    rounded: int


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
    variants: list[Frames] = []
    found = {}
    for stage, frame in again.items():
        largest, rounded = Deviation("", 0.0, ""), 0
        rows = {run: [table[table["run"] == run] for table in (stored[stage], frame)] for run in least}
        deviating = {
            run: [some for some in deviations(rows[run][0], rows[run][1], least[run]) if some.size] for run in least
        }
        # Another machine rounds in many places: all but one being equal to the last bit is no rounding.
        alone = sum(map(len, deviating.values())) == 1
        for run, deviation in ((run, some) for run, several in deviating.items() for some in several):
            if deviation.size <= TOLERANCE:
                largest = max(largest, deviation, key=lambda some: some.size)
                continue
            if not alone:
                variants = variants or [compute(partial(_rounded, np.random.default_rng(n))) for n in range(DRAWS)]
            others = (variant[stage][variant[stage]["run"] == run] for variant in variants)
            moved = (_moved(other, rows[run][1], deviation.column, least[run]) for other in others)
            if alone or deviation.size > SLACK * max(moved):
                raise disagreement(files[stage], f"run {run}", deviation.column, deviation.message)
            rounded += 1
        found[stage] = Comparison(largest, rounded)
    return found


def _moved(variant: pd.DataFrame, again: pd.DataFrame, column: str, least: float) -> float:
    """How far rounding has moved a column; infinitely where it has changed the number of rows."""
    sizes = {deviation.column: deviation.size for deviation in deviations(variant, again, least)}
    return sizes.get(column, np.inf)


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
    for column in again.columns.difference(VARYING, sort=False):
        size, row, message = _deviation(stored[column].tolist(), again[column].tolist(), least)
        at = f"at t = {again['t'].iloc[row]:g} " if "t" in again else ""
        yield Deviation(column, size, at + message)


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
