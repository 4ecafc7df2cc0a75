"""The numbers behind a figure: what is learned, how long runs take, and how a table of them is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from linear_networks.measure.crossings import time_to
from linear_networks_workflow.figures.libraries import np, pa, pd

# Modes of Y below this fraction of the largest are rounding: there is nothing to learn of them.
LEAST = 1e-10


def learned(samples: pd.DataFrame) -> pd.DataFrame:
    """The learned part of each mode that Y has, sigma_i(t) / sigma_i.

    Parameters
    ----------
    samples : DataFrame
        With the columns `singular_values` of X(t) and `matrix_singular_values` of Y, both descending.

    Returns
    -------
    DataFrame
        A row a sample and mode: the other columns of `samples`, `mode` from 0 on, and `learned`.
    """
    lists = ["singular_values", "matrix_singular_values"]
    (values, sizes), (spectra, _) = (flat(samples[name]) for name in lists)
    begins = np.repeat(np.cumsum(sizes) - sizes, sizes)
    kept = spectra > LEAST * spectra[begins]
    sample = np.repeat(np.arange(len(samples)), sizes)[kept]
    mode = (np.arange(len(values)) - begins)[kept]
    return samples.drop(columns=lists).iloc[sample].assign(mode=mode, learned=values[kept] / spectra[kept])


def flat(lists: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of lists one after the other, and how many each has."""
    array = pa.chunked_array(pa.array(lists, pa.list_(pa.float64()))).combine_chunks()
    return array.flatten().to_numpy(), array.value_lengths().to_numpy()


def times_to(
    samples: pd.DataFrame, quantity: str, level: float, by: Sequence[str] = ("run",), *, falling: bool = True
) -> pd.DataFrame:
    """When a quantity has fallen to a fraction of its start, or else has risen to a level; infinite if never.

    A row a curve, which columns `by` tell apart: the first of its samples, with the column `time`.
    """
    samples = samples.sort_values("t", kind="stable")
    curves = samples.groupby([*by], observed=True, sort=False)
    curve, place = curves.ngroup().to_numpy(), curves.cumcount().to_numpy()
    times, values = np.full((2, curve.max(initial=-1) + 1, place.max(initial=0) + 1), np.nan)
    times[curve, place], values[curve, place] = samples["t"], samples[quantity]
    levels = level * values[:, 0] if falling else level
    return samples[place == 0].assign(time=time_to(times, values, levels, rising=not falling))


def restructured(table: pd.DataFrame) -> str:
    """The table in reStructuredText, in which text is nothing but text."""
    return (
        table.map(_cell).rename(columns=_cell).to_markdown(index=False, disable_numparse=True, tablefmt="grid") + "\n"
    )


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "never" if np.isinf(value) else "" if np.isnan(value) else f"{value:.3g}"
    return re.sub(r"([^\w ])", r"\\\1", " ".join(str(value).split()))
