"""Where the best lambda0 lies: the objective with its two basins, and how the best lambda0 grows with the width."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import linregress

from experiments.figures import style


def draw(tables: dict[str, pd.DataFrame]) -> Figure:
    """The objective over lambda0 for each width (first replicate), and |lambda0| against the width (all replicates)."""
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

    for sign, filled in ((-1, True), (1, False)):
        some = fits[np.sign(fits["lambda0"]) == sign]
        fill = style.COLOURS["asymmetric"] if filled else "white"
        label = "λ₀ < 0 is best" if filled else "λ₀ > 0 is best"
        right.plot(
            some["width"],
            some["lambda0"].abs(),
            "o",
            color=style.COLOURS["asymmetric"],
            markerfacecolor=fill,
            label=label,
        )
    law = linregress(np.log(fits["width"]), np.log(fits["lambda0"].abs()))
    widths = np.sort(fits["width"].unique())
    fitted = np.exp(law.intercept) * widths**law.slope
    label = f"fit: |λ₀| = {np.exp(law.intercept):.2f} kᵇ, b = {law.slope:.2f} ± {law.stderr:.2f}"
    right.plot(widths, fitted, color=style.THEORY, linewidth=0.9, label=label)
    right.set(xscale="log", yscale="log", xlabel="width k", ylabel="best |λ₀|")
    right.set_xticks(widths, [str(width) for width in widths])
    right.minorticks_off()
    right.legend(fontsize=7)
    return figure


def numbers(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A row a width: the median best |lambda0| over k sigma^2, and in how many runs it is negative."""
    fits = tables["lambda0"].dropna(subset="lambda0")
    relative = (fits["lambda0"].abs() / (fits["width"] * fits["scale"] ** 2)).groupby(fits["width"])
    negative = (fits["lambda0"] < 0).groupby(fits["width"])
    return pd.DataFrame(
        {
            "k": relative.median().index,
            "median |λ₀| / (k σ²)": relative.median().to_numpy(),
            "from": relative.min().to_numpy(),
            "to": relative.max().to_numpy(),
            "λ₀ < 0": [f"{count} of {size}" for count, size in zip(negative.sum(), negative.size(), strict=True)],
        }
    )
