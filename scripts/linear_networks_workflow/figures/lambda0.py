"""Where the best lambda0 lies: the objective with its two basins, and the best lambda0 against the width."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from linear_networks.theory import wide
from linear_networks_workflow.figures import style


def draw(tables: dict[str, pd.DataFrame]) -> Figure:
    """The objective over lambda0 for each width (first replicate); the best |lambda0| / (k sigma^2) of all replicates
    against the width, with its limit for wide starts."""
    fits = tables["lambda0"].dropna(subset="lambda0")
    figure, (left, right) = plt.subplots(1, 2, figsize=(style.PAGE_WIDTH, style.PANEL_HEIGHT + 1.1))
    first = fits[fits["replicate"] == fits["replicate"].min()].sort_values("width")
    for colour, (_, fit) in zip(style.sequence(len(first)), first.iterrows(), strict=True):
        unit = fit["width"] * fit["scale"] ** 2
        left.plot(fit["candidates"] / unit, fit["objectives"], color=colour, label=f"k = {fit['width']}")
        for basin in ("negative", "positive"):
            chosen = fit[f"{basin}_lambda0"] == fit["lambda0"]
            place = fit[f"{basin}_lambda0"] / unit, fit[f"{basin}_objective"]
            left.plot(*place, "o", color=colour, markersize=5, markerfacecolor=colour if chosen else "white")
    left.set(yscale="log", xlabel="λ₀ / (k σ²)", ylabel="objective ∫‖Xᴵ − X‖² / ∫‖X‖²")
    left.set_title("filled: the lower of the two basins")
    figure.legend(handles=left.get_lines()[::3], loc="outside lower center", ncols=len(first))

    fits = fits.assign(relative=_relative(fits))
    orange = style.COLOURS["asymmetric"]
    for sign, fill, words in ((-1, orange, "λ₀ < 0 is best"), (1, "white", "λ₀ > 0 is best")):
        some = fits[np.sign(fits["lambda0"]) == sign]
        right.plot(some["width"], some["relative"], "o", color=orange, markersize=4, markerfacecolor=fill, label=words)
    medians = fits.groupby("width")["relative"].median()
    right.plot(medians.index, medians, color=orange, linewidth=1.0, label="median")
    limit = wide.best_ratio()
    right.axhline(limit, color=style.THEORY, linewidth=0.9, label=f"limit k → ∞: {limit:.2f}")
    right.set(xscale="log", xlabel="width k", ylabel="best |λ₀| / (k σ²)")
    right.set_xticks(medians.index, [str(width) for width in medians.index])
    right.minorticks_off()
    right.legend(fontsize=7, loc="lower right")
    return figure


def numbers(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A row a width: the median best |lambda0| over k sigma^2, and in how many runs it is negative; then the limit."""
    fits = tables["lambda0"].dropna(subset="lambda0")
    relative, negative = (some.groupby(fits["width"]) for some in (_relative(fits), fits["lambda0"] < 0))
    rows = pd.DataFrame(
        {
            "k": relative.median().index.astype(str),
            "median |λ₀| / (k σ²)": relative.median().to_numpy(),
            "from": relative.min().to_numpy(),
            "to": relative.max().to_numpy(),
            "λ₀ < 0": [f"{count} of {size}" for count, size in zip(negative.sum(), negative.size(), strict=True)],
        }
    )
    limit = {"k": "limit", "median |λ₀| / (k σ²)": wide.best_ratio(), "λ₀ < 0": ""}
    return pd.concat([rows, pd.DataFrame([limit])], ignore_index=True)


def _relative(fits: pd.DataFrame) -> pd.Series:
    return fits["lambda0"].abs() / (fits["width"] * fits["scale"] ** 2)
