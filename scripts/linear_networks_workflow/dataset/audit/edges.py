"""Rates at the edge of being measurable: stored and not computed again, or the other way round."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Pair:
    """Rows of a run as they are stored and as they are computed again.

    Attributes
    ----------
    edges : list of int
        Places of the rates that only one of the two has.
    stored, again : DataFrame
        The rows, without what only one of the two has of these rates.
    whole : DataFrame
        The stored rows as they are.
    """

    edges: list[int]
    stored: pd.DataFrame
    again: pd.DataFrame
    whole: pd.DataFrame

    @classmethod
    def of(cls, stored: pd.DataFrame, again: pd.DataFrame) -> "Pair":
        """The pair of some rows; those of another stage than the rates, or of other length, have no edges."""
        if "measured" not in again or len(stored) != len(again):
            return cls([], stored, again, stored)
        stored, again = stored.reset_index(drop=True)[[*again]], again.reset_index(drop=True)
        differ = stored.isna() != again.isna()
        differ &= differ[["measured"]].to_numpy()
        return cls(np.flatnonzero(differ["measured"]).tolist(), stored.mask(differ), again.mask(differ), stored)

    def explained(self, variants: Iterable[pd.DataFrame]) -> bool:
        """Whether for each of the edges one of the variants of the rows decides as what is stored, and finds it."""
        left = set(self.edges)
        for variant in variants:
            left -= {row for row in left if _agree(self.whole.iloc[row], variant.iloc[row])}
            if not left:
                return True
        return False

    def message(self) -> str:
        """What is stored of the first of the edges."""
        rate = self.whole["measured"].iloc[self.edges[0]]
        return (
            "no rate is stored, one is computed again" if np.isnan(rate) else f"{rate} is stored, none computed again"
        )


def _agree(stored: pd.Series, variant: pd.Series) -> bool:
    """Whether two rows of rates lack the same, for the same reason, and else agree within their uncertainties."""
    if not stored.isna().equals(variant[stored.index].isna()):
        return False
    if np.isnan(stored["measured"]):
        return bool(stored["reason"] == variant["reason"])
    return bool(abs(stored["measured"] - variant["measured"]) <= stored["uncertainty"] + variant["uncertainty"])
