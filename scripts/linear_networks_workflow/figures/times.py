"""How long runs take to learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linear_networks_workflow.dataset.parquet import DIGITS
from linear_networks_workflow.figures import style
from linear_networks_workflow.figures.kind import Kind, axis, present
from linear_networks_workflow.figures.libraries import np, pd, plt
from linear_networks_workflow.figures.tables import Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Columns of runs, by the digits that the loss has lost.
COLUMNS = {digits: f"time_to_{digits}_digits" for digits in DIGITS}

NONE = (
    f"run whose loss lost {DIGITS[0]} digits: take a longer horizon, and another axis where all of its runs have a "
    "penalty or a limit that is not known"
)


class Times(Kind):
    """How long runs take until the loss has lost 2, 4 and 6 digits, against an axis: a line a dynamics."""

    name, label = "times", "time to learn against an axis"
    many = False
    section = "5 Numerical experiments"
    parameters = {"along": axis("along which times are drawn")}
    needs = {"runs": ("run", "dynamics", *COLUMNS.values())}
    caption = """
    **How long runs take to learn.**

    The time at which the loss, less that of the limit, is 10⁻², 10⁻⁴ and 10⁻⁶ of its start. Lines are medians, bands
    10 to 90 % of the runs; a run that never comes so far counts as one of infinite time. Runs under a penalty, and
    those that start at their limit or whose limit is not known, have no times.

    What to see, where theory holds: every two digits take the one-layer model log 10 of time, whatever the start; the
    two-layer model is slower from small starts and faster from large, imbalanced ones. Below: the medians.
    """
    example = """
    experiments:
      example:
        matrix: {source: gaussian, rows: 2, columns: 3}
        initialization: {kind: gaussian, scale: [0.1, 0.3, 1.0]}
        width: 4
        dynamics: [linear, asymmetric]
        solver: {method: descent, step_size: 1.0e-2}
        time: {horizon: 10.0, samples: 40, spacing: log, first: 1.0e-2}
        replicates: 2
        trajectories: false
    figures:
      example: {kind: times, experiment: example, along: scale}
    """

    @staticmethod
    def draw(tables: Tables, along: str) -> Figure:
        """A panel a number of digits: median line and 10-90 % band over the axis `along`, for each dynamics."""
        spreads = present(_spreads(tables, along), NONE)
        size = (style.PAGE_WIDTH, style.PANEL_HEIGHT + 0.5)
        figure, panels = plt.subplots(1, len(DIGITS), sharey=True, squeeze=False, figsize=size)
        for panel, digits in zip(panels[0], DIGITS, strict=True):
            for dynamics, curve in spreads[spreads["digits"] == digits].groupby("dynamics"):
                look = style.look(dynamics)
                style.curve(curve, panel, x=along, color=look.colour, dashes=look.dashes, marker="o", markersize=3.5)
            panel.set(yscale="log", xlabel=style.symbol(along), title=f"{digits} digits")
            if pd.api.types.is_numeric_dtype(spreads[along]) and (spreads[along] > 0).all():
                panel.set(xscale="log")
        panels[0, 0].set_ylabel("time t")
        handles = list(map(style.line, sorted(spreads["dynamics"].unique())))
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
        return figure

    @staticmethod
    def numbers(tables: Tables, along: str) -> pd.DataFrame:
        """A row a value of the axis `along` and dynamics: the median times."""
        medians = _spreads(tables, along).pivot(index=[along, "dynamics"], columns="digits", values="median")
        table = medians.reindex(columns=DIGITS).fillna(np.inf).rename(columns="t to {} digits".format).reset_index()
        table["dynamics"] = [style.look(name).label for name in table["dynamics"]]
        return table.rename(columns={along: style.symbol(along)})


def _spreads(tables: Tables, along: str) -> pd.DataFrame:
    """Spreads of the times of runs, by digits, of groups half of which come so far."""

    def long(runs: pd.DataFrame) -> pd.DataFrame:
        times = runs.rename(columns={name: digits for digits, name in COLUMNS.items()})
        times = times.melt([along, "dynamics"], [*COLUMNS], var_name="digits", value_name="time")
        return times.fillna({"time": np.inf})

    spreads = tables["runs"].changed(long).spreads("time", [along, "dynamics", "digits"])
    return spreads[np.isfinite(spreads["median"])].replace(np.inf, np.nan)
