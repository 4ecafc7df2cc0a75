"""The numbers that support a figure: how long runs take, and how a table of them is written."""

import re
from typing import Any

import numpy as np
import pandas as pd


def time_to_fall(trajectories: pd.DataFrame, quantity: str, fraction: float) -> pd.Series:
    """By run, the first sampled time at which a quantity is below a fraction of its start; infinite if never."""

    def first(run: pd.DataFrame) -> float:
        run = run.sort_values("t")
        below = run[quantity] <= fraction * run[quantity].iloc[0]
        return float(run["t"][below].iloc[0]) if below.any() else np.inf

    return trajectories.groupby("run", observed=True)[["t", quantity]].apply(first)


def restructured(table: pd.DataFrame) -> str:
    """The table in reStructuredText, in which text is nothing but text."""
    return (
        table.map(_cell).rename(columns=_cell).to_markdown(index=False, disable_numparse=True, tablefmt="grid") + "\n"
    )


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "never" if np.isinf(value) else "" if np.isnan(value) else f"{value:.3g}"
    return re.sub(r"([^\w ])", r"\\\1", " ".join(str(value).split()))
