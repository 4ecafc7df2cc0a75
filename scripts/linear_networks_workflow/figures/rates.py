"""Measured against predicted convergence rates."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from linear_networks_workflow.errors import InputError
from linear_networks_workflow.figures import style
from linear_networks_workflow.figures.kind import Kind
from linear_networks_workflow.figures.libraries import np, pd, plt
from linear_networks_workflow.figures.tables import Tables

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

# What rates are counted by.
KEYS = ["dynamics", "solver", "quantity"]

# Of more rates than this, those of some runs are drawn, evenly over the grid; they are counted and compared all.
DRAWN = 20_000

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
        measured = tables["rates"].changed(lambda block: block.dropna(subset="measured"))
        step = -(-sum(map(len, measured.blocks())) // DRAWN) or 1
        rates = measured.changed(partial(_every, step)).frame()
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
        notes = f"open markers: lower bound; {left_out} bounds lie further left" + f"; one run of {step}" * (step > 1)
        figure.supxlabel(f"predicted rate ({notes})", fontsize=8)
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
        judged = tables["rates"].changed(_judged)
        counts = judged.changed(_counts).frame().groupby(KEYS, observed=True).sum()
        medians = judged.spreads("error", KEYS).set_index(KEYS)["median"].to_dict()
        return pd.DataFrame(
            [
                {
                    "dynamics": style.look(key[0]).label,
                    "solver": key[1],
                    "rate of": WORDS[key[2]],
                    "measured": f"{some['measured']} of {some['rates']}",
                    "median error": medians.get(key, np.nan),
                    "within 1 %": f"{some['near']} of {some['known']}",
                    "within uncertainty": f"{some['inside']} of {some['known']}",
                    "bound violated": some["violations"],
                }
                for key, some in counts.to_dict("index").items()
            ]
        )


def _every(step: int, rates: pd.DataFrame) -> pd.DataFrame:
    """The rates of one run of so many."""
    return rates[pd.factorize(rates["run"])[0] % step == 0]


def _judged(rates: pd.DataFrame) -> pd.DataFrame:
    """Rates beside theory, with their relative `error`."""
    from linear_networks_workflow.stages.tables import against_theory

    return against_theory(rates).assign(error=lambda frame: (frame["ratio"] - 1).abs())


def _counts(judged: pd.DataFrame) -> pd.DataFrame:
    """How many rates there are of each dynamics, solver and quantity, and how many fit theory."""
    counted = judged[KEYS].assign(
        rates=1,
        measured=judged["measured"].notna(),
        known=judged["error"].notna(),
        near=judged["error"] <= 0.01,
        inside=judged["inside"],
        violations=judged["violations"],
    )
    return counted.groupby(KEYS, observed=True).sum().astype(int).reset_index()


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
