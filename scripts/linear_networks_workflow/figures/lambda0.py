"""The best λ₀ against the width."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from linear_networks_workflow.figures import style
from linear_networks_workflow.figures.kind import Kind, fitted, present
from linear_networks_workflow.figures.libraries import np, pd, plt
from linear_networks_workflow.figures.tables import Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The dynamics that it is about.
GENERAL, REGULARIZED = "asymmetric", "regularized"

BASINS = ("negative_lambda0", "negative_objective", "positive_lambda0", "positive_objective")


class Lambda0(Kind):
    """Where the best lambda0 lies: the objective with its two basins, and the best lambda0 against the width."""

    name, label = "lambda0", "best λ₀ against the width"
    section = "5 Numerical experiments"
    dynamics = (GENERAL, REGULARIZED)
    shows = ("width",)
    needs = {
        "runs": ("run",),
        "lambda0": ("run", "replicate", "width", "scale", "lambda0", "candidates", "objectives", *BASINS),
    }
    caption = r"""
    **The best λ₀ against the width.**

    Left: the objective ∫‖Xᴵ − X‖² dt / ∫‖X‖² dt over λ₀, with Xᴵ the flow of Proposition 5 from the same start.
    Right: the best \|λ₀\| / (kσ²) of every run against the width k, and its limit for k → ∞, which follows from
    (21) with U(0)U(0)ᵀ = kσ²I and V(0)V(0)ᵀ = kσ²I.

    What to see, where theory holds: a minimum for either sign, so that a search on one side can miss the lower;
    \|λ₀\| / (kσ²) tends to 2.53. It is more than the 2 at which a mode has the same imbalance in both flows, as Xᴵ,
    whose Q(0) is not λ₀I, lags behind at first. Below: \|λ₀\| / (kσ²) over replicates.
    """
    example = """
    experiments:
      example:
        matrix: {source: gaussian, rows: 2, columns: 3}
        initialization: {kind: gaussian, scale: 1.0}
        width: [4, 8]
        dynamics: [asymmetric, {name: regularized, lambda0: fit}]
        solver: {method: flow}
        time: {horizon: 1.0, samples: 40, spacing: log, first: 1.0e-2}
        replicates: 2
    figures:
      example: {kind: lambda0, experiment: example}
    """

    @classmethod
    def check(cls, experiment: Mapping[str, Any]) -> None:
        super().check(experiment)
        fitted(experiment, REGULARIZED, "lambda0")

    @staticmethod
    def draw(tables: Tables) -> Figure:
        """The objective over lambda0 for each width (first replicate); the best |lambda0| / (k sigma^2) of all
        replicates against the width, with its limit for wide starts."""
        fits = _fits(tables)
        first = _scanned(tables, fits["replicate"].min())
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.PAGE_WIDTH, style.PANEL_HEIGHT + 1.1))
        for colour, (_, fit) in zip(style.sequence(len(first)), first.iterrows(), strict=True):
            unit = _unit(fit)
            left.plot(
                np.asarray(fit["candidates"]) / unit, fit["objectives"], color=colour, label=f"k = {fit['width']}"
            )
            for basin in ("negative", "positive"):
                chosen = fit[f"{basin}_lambda0"] == fit["lambda0"]
                place = fit[f"{basin}_lambda0"] / unit, fit[f"{basin}_objective"]
                left.plot(*place, "o", color=colour, markersize=5, markerfacecolor=colour if chosen else "white")
        left.set(yscale="log", xlabel="λ₀ / (k σ²)", ylabel="objective ∫‖Xᴵ − X‖² / ∫‖X‖²")
        left.set_title("filled: the lower of the two basins")
        figure.legend(handles=left.get_lines()[::3], loc="outside lower center", ncols=len(first))

        fits = fits.assign(relative=_relative(fits))
        orange = style.look(GENERAL).colour
        for sign, fill, words in ((-1, orange, "λ₀ < 0 is best"), (1, "white", "λ₀ > 0 is best")):
            some = fits[np.sign(fits["lambda0"]) == sign]
            line = {"color": orange, "markersize": 4, "markerfacecolor": fill, "label": words}
            right.plot(some["width"], some["relative"], "o", **line)
        medians = fits.groupby("width")["relative"].median()
        right.plot(medians.index, medians, color=orange, linewidth=1.0, label="median")
        limit = _limit()
        right.axhline(limit, color=style.THEORY, linewidth=0.9, label=f"limit k → ∞: {limit:.2f}")
        right.set(xscale="log", xlabel="width k", ylabel="best |λ₀| / (k σ²)")
        right.set_xticks(medians.index, [str(width) for width in medians.index])
        right.minorticks_off()
        right.legend(fontsize=7, loc="lower right")
        return figure

    @staticmethod
    def numbers(tables: Tables) -> pd.DataFrame:
        """A row a width: the median best |lambda0| / (k sigma^2), in how many runs it is negative; then the limit."""
        fits = _fits(tables)
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
        limit = {"k": "limit", "median |λ₀| / (k σ²)": _limit(), "λ₀ < 0": ""}
        return pd.concat([rows, pd.DataFrame([limit])], ignore_index=True)


def _fits(tables: Tables) -> pd.DataFrame:
    """The fits that are drawn, without what they scanned."""
    fits = tables["lambda0"].changed(lambda block: _drawn(block)[["replicate", "width", "scale", "lambda0"]])
    return present(fits.frame(), "λ₀ that could be fitted, of a start with a scale > 0")


def _scanned(tables: Tables, replicate: int) -> pd.DataFrame:
    """The fits of one replicate, with all that they scanned."""
    fits = tables["lambda0"].changed(lambda block: _drawn(block[block["replicate"] == replicate])).frame()
    return fits.sort_values("width")


def _drawn(fits: pd.DataFrame) -> pd.DataFrame:
    """The fits of starts that have a scale, in whose units they are drawn."""
    fits = fits.dropna(subset="lambda0")
    return fits[_unit(fits) > 0.0]


def _unit(fits: Any) -> Any:
    """k sigma^2, of one fit or of each of several."""
    return fits["width"] * fits["scale"] ** 2


def _limit() -> float:
    from linear_networks.theory import wide

    return wide.best_ratio()


def _relative(fits: pd.DataFrame) -> pd.Series:
    return fits["lambda0"].abs() / _unit(fits)
