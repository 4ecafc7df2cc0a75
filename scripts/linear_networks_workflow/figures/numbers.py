"""The numbers behind a figure: what is learned, how long runs take, and how a table of them is written."""

from __future__ import annotations

import re
from typing import Any

from linear_networks_workflow.figures.libraries import np, pd

# Modes of Y below this fraction of the largest are rounding: there is nothing to learn of them.
LEAST = 1e-10


def learned(samples: pd.DataFrame, spectra: pd.Series) -> pd.DataFrame:
    """The learned part of each mode that Y has, sigma_i(t) / sigma_i.

    Parameters
    ----------
    samples : DataFrame
        With the column `singular_values` of X(t).
    spectra : Series
        Singular values of Y, descending, of the run of each sample.

    Returns
    -------
    DataFrame
        A row a sample and mode: the other columns of `samples`, `mode` from 0 on, and `learned`.
    """
    counts = [int(np.sum(spectrum > LEAST * spectrum[0])) for spectrum in spectra]
    found = zip(samples["singular_values"], spectra, counts, strict=True)
    long = samples.drop(columns="singular_values").loc[samples.index.repeat(counts)]
    long["mode"] = np.concatenate([np.arange(count) for count in counts])
    long["learned"] = np.concatenate([values[:count] / spectrum[:count] for values, spectrum, count in found])
    return long


def time_to_fall(trajectories: pd.DataFrame, quantity: str, fraction: float) -> pd.Series:
    """By run, the time at which a quantity has fallen to a fraction of its start; infinite if never."""

    def first(run: pd.DataFrame) -> float:
        run = run.sort_values("t")
        return time_to(run["t"].to_numpy(), run[quantity].to_numpy(), fraction * run[quantity].iloc[0], rising=False)

    return trajectories.groupby("run", observed=True)[["t", quantity]].apply(first)


def time_to(times: np.ndarray, values: np.ndarray, level: float, *, rising: bool) -> float:
    """Time at which a quantity first is at a level or beyond it, exact where it is exponential between samples.

    Parameters
    ----------
    times : ndarray, shape (samples,)    increasing
    values : ndarray, shape (samples,)   >= 0
    level : float                        > 0
    rising : bool                        whether beyond is above

    Returns
    -------
    float. The logarithm is taken as linear between two samples, the quantity itself where one of them is 0. The first
    time where the quantity is beyond the level from the start; infinite where it never is.
    """
    beyond = values >= level if rising else values <= level
    if not beyond.any():
        return np.inf
    after = int(np.argmax(beyond))
    if after == 0:
        return float(times[0])
    ends = values[[after - 1, after]]
    (before, behind), wanted = (np.log(ends), np.log(level)) if np.all(ends > 0.0) else (ends, level)
    return float(times[after - 1] + (times[after] - times[after - 1]) * (wanted - before) / (behind - before))


def restructured(table: pd.DataFrame) -> str:
    """The table in reStructuredText, in which text is nothing but text."""
    return (
        table.map(_cell).rename(columns=_cell).to_markdown(index=False, disable_numparse=True, tablefmt="grid") + "\n"
    )


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "never" if np.isinf(value) else "" if np.isnan(value) else f"{value:.3g}"
    return re.sub(r"([^\w ])", r"\\\1", " ".join(str(value).split()))
