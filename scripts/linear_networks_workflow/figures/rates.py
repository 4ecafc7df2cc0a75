"""Measured against predicted convergence rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from linear_networks_workflow.errors import InputError
from linear_networks_workflow.figures import style
from linear_networks_workflow.figures.kind import Kind, Tables
from linear_networks_workflow.figures.libraries import np, pd, plt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Told apart without colours too: by their form, by lightness, and by the panels that the dynamics have.
MARKS: dict[str, dict[str, Any]] = {
    "product": {"marker": "o", "color": "#D55E00"},
    "mode": {"marker": "s", "color": "#56B4E9"},
    "gramian": {"marker": "^", "color": "#222222"},
}
WORDS = {"product": "‖X − X∞‖", "mode": "mode |σᵢ − σᵢ∞|", "gramian": "‖RRᵀ − R∞R∞ᵀ‖"}

SMALL: dict[str, Any] = {"linestyle": "", "markersize": 3.5}

# Up to this, the scale of the relative differences is linear.
LINEAR = 1e-4


class Rates(Kind):
    """Measured against predicted rates, with their ratio and its uncertainty below; a column of panels a dynamics."""

    name, label = "rates", "measured and predicted rates"
    section = "2-4 Convergence rates"
    shows = None
    needs = {
        "runs": ("run",),
        "rates": ("run", "dynamics", "solver", "quantity", "measured", "uncertainty", "predicted", "bound"),
    }
    caption = r"""
    **Measured against predicted convergence rates.**

    Top: measured against predicted rate of every run and quantity, with the diagonal; open markers are lower
    bounds. Bottom: the relative difference; bars are the uncertainty of the measured rate. Predictions: 1 for the
    one-layer model; 4·min \|σᵢ\| for the symmetric (8); √(4σ² + λ₀²) for spectral starts (16); the local rate
    λ_min(UUᵀ) + λ_min(VVᵀ) at the limit for general ones; for descent −log(1 − ηρ)/η (64), or of what decays as a
    square −2 log(1 − ηρ/2)/η.

    What to see, where theory holds: filled markers on the diagonal, open ones above it or on it; bars that cross 0.
    Below: by dynamics, solver and quantity, how many rates were measured, how far they are from the prediction, and
    how many have it within their uncertainty.
    """
    example = """
    experiments:
      example:
        matrix: {source: spectrum, rows: 2, columns: 3, values: [2.0, 1.0]}
        initialization: {kind: spectral, scale: 0.3, imbalance: [0.0, 1.0]}
        width: 4
        dynamics: [linear, asymmetric]
        solver: {method: flow}
        time: {horizon: 30.0, samples: 100, spacing: log, first: 1.0e-2}
        replicates: 2
    figures:
      example: {kind: rates, experiment: example}
    """

    @staticmethod
    def draw(tables: Tables) -> Figure:
        """Log-log with the diagonal, where open markers are bounds; below, measured / predicted - 1, with the measured
        uncertainty as bars. One column of panels a dynamics."""
        rates = tables["rates"].dropna(subset="measured")
        known = rates.dropna(subset="predicted")
        if known.empty:
            raise InputError("no rate that theory predicts was measured; draw the rates of another experiment")
        shown = rates[rates["predicted"].notna() | (rates["bound"] > 0)]
        groups = dict(list(shown.groupby("dynamics", observed=True)))
        size = (style.PAGE_WIDTH, 2 * style.PANEL_HEIGHT + 0.6)
        figure, axes = plt.subplots(2, len(groups), sharex="col", sharey="row", squeeze=False, figsize=size)
        # Before anything is drawn, so that the margins are those of this scale.
        axes[1, 0].set_yscale("symlog", linthresh=LINEAR)
        ends = np.array([0.5 * known["predicted"].min(), 2.0 * known["predicted"].max()])
        for (top, bottom), (dynamics, some) in zip(axes.T, groups.items(), strict=True):
            _rates(some, top)
            _differences(some, bottom)
            top.plot(ends, ends, color=style.THEORY, linewidth=0.8, zorder=1)
            top.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
            top.set_title(style.look(dynamics).label, fontsize=8)
        axes[0, 0].set_ylabel("measured rate")
        axes[1, 0].set_ylabel("measured / predicted − 1")
        left_out = int((rates["bound"] < ends[0]).sum())
        figure.supxlabel(f"predicted rate (open markers: lower bound; {left_out} bounds lie further left)", fontsize=8)
        handles = [
            plt.Line2D([], [], linestyle="", label=WORDS[name], **mark)
            for name, mark in MARKS.items()
            if name in set(rates["quantity"])
        ]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
        return figure

    @staticmethod
    def numbers(tables: Tables) -> pd.DataFrame:
        """A row a dynamics, solver and quantity: how many rates were measured, how close they are to theory, how many
        have the prediction within their uncertainty, and violations of the bound."""
        from linear_networks_workflow.stages.tables import against_theory

        rates = against_theory(tables["rates"]).assign(error=lambda frame: (frame["ratio"] - 1).abs())
        return pd.DataFrame(
            [
                {
                    "dynamics": style.look(dynamics).label,
                    "solver": solver,
                    "rate of": WORDS[quantity],
                    "measured": f"{some['measured'].notna().sum()} of {len(some)}",
                    "median error": some["error"].median(),
                    "within 1 %": f"{(some['error'] <= 0.01).sum()} of {some['error'].notna().sum()}",
                    "within uncertainty": f"{some['inside'].sum()} of {some['error'].notna().sum()}",
                    "bound violated": int(some["violations"].sum()),
                }
                for (dynamics, solver, quantity), some in rates.groupby(
                    ["dynamics", "solver", "quantity"], observed=True
                )
            ]
        )


def _rates(rates: pd.DataFrame, axes: Axes) -> None:
    for quantity, mark in MARKS.items():
        some = rates[rates["quantity"] == quantity]
        axes.plot(some["predicted"], some["measured"], **SMALL, **mark, alpha=0.6, markeredgewidth=0)
        some = some[some["bound"] > 0]
        axes.plot(some["bound"], some["measured"], **SMALL, **mark, markerfacecolor="none", markeredgewidth=0.6)


def _differences(rates: pd.DataFrame, axes: Axes) -> None:
    for quantity, mark in MARKS.items():
        some = rates[rates["quantity"] == quantity].dropna(subset="predicted")
        ratio, bar = (some[name] / some["predicted"] for name in ("measured", "uncertainty"))
        axes.errorbar(some["predicted"], ratio - 1, bar, elinewidth=0.6, alpha=0.6, markeredgewidth=0, **SMALL, **mark)
    axes.axhline(0.0, color=style.THEORY, linewidth=0.8, zorder=1)
