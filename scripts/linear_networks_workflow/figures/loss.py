"""One and two layers behind a sigmoid, from the same X(0)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from linear_networks.components import Refused
from linear_networks_workflow.figures import numbers as supporting
from linear_networks_workflow.figures import style
from linear_networks_workflow.figures.kind import Kind, along, axis, sampled
from linear_networks_workflow.figures.libraries import pd, plt
from linear_networks_workflow.figures.tables import Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The dynamics that it is about, in its words, and the loss.
ONE, TWO, KIND = "linear", "asymmetric", "regression"
WORDS = {ONE: "one-layer, sigmoid", TWO: "two-layer, sigmoid"}
LOSS = {"kind": KIND, "link": "sigmoid"}

# How far the loss must fall for the comparison of times below the caption.
REACHED = 0.01


class Loss(Kind):
    """Training loss and recovery of the teacher by the two networks behind a sigmoid, a row an imbalance."""

    name, label = "loss", "loss and recovery of the teacher"
    many = False
    section = "5 Numerical experiments"
    dynamics = (ONE, TWO)
    parameters = {"rows": axis("one row of panels a value")}
    needs = {
        "runs": ("run", "dynamics", "replicate"),
        "trajectories": ("run", "dynamics", "t", "loss", "error"),
    }
    caption = """
    **One and two layers behind a sigmoid, from the same X(0).**

    Left: training loss ½‖B − φ(AX)‖² of X = W and X = UVᵀ. Right: distance to the teacher W*. Rows differ in ‖Q₀‖₂
    alone; X(0) is the same.

    What to see, where theory holds: the one-layer curves do not change from row to row, the two-layer curves fall
    sooner where ‖Q₀‖₂ is larger. Below: the median times at which the loss is a hundredth of its start.
    """
    example = """
    experiments:
      example:
        matrix: {source: teacher, samples: 20, features: 2, noise: 1.0e-3}
        initialization: {kind: rescaled, scale: 0.1, imbalance: [0.0, 2.0]}
        width: 4
        dynamics: [linear, asymmetric]
        solver: {method: descent, step_size: 1.0e-2}
        time: {horizon: 10.0, samples: 40, spacing: log, first: 1.0e-2}
        replicates: 2
    figures:
      example: {kind: loss, experiment: example, rows: imbalance}
    """

    @classmethod
    def check(cls, experiment: Mapping[str, Any]) -> None:
        super().check(experiment)
        if any(loss != LOSS for loss in experiment["loss"]):
            written = ", ".join(f"{key}: {value}" for key, value in LOSS.items())
            raise Refused("", f"needs loss: {{{written}}}")

    @staticmethod
    def draw(tables: Tables, rows: str) -> Figure:
        """Loss (left) and error (right) over time, a row of panels a value of the axis `rows`."""
        runs, quantities = tables["runs"].frame(), ("loss", "error")
        values = along(runs[runs["dynamics"].isin([ONE, TWO])], rows)
        curves = [sampled(tables["trajectories"].spreads(quantity, [rows, "dynamics", "t"])) for quantity in quantities]
        size = (style.PAGE_WIDTH, len(values) * style.PANEL_HEIGHT + 0.9)
        figure, axes = plt.subplots(len(values), 2, sharex=True, sharey="col", squeeze=False, figsize=size)
        for panels, value in zip(axes, values, strict=True):
            for panel, some in zip(panels, curves, strict=True):
                style.by_dynamics(some[some[rows] == value], [*WORDS], panel)
                panel.set(xscale="log", yscale="log")
            panels[0].set(title=style.titled(rows, value), ylabel="training loss ½‖B − φ(AX)‖²")
            panels[1].set(title=style.titled(rows, value), ylabel="‖W* − X‖ / ‖W*‖")
        for panel in axes[-1]:
            panel.set(xlabel="time t")
        handles = [style.line(dynamics, words) for dynamics, words in WORDS.items()]
        figure.legend(handles=handles, loc="outside upper center", ncols=2)
        return figure

    @staticmethod
    def numbers(tables: Tables, rows: str) -> pd.DataFrame:
        """A row a value of the axis `rows`: the median times to a hundredth of the first loss, and how much sooner the
        two-layer network gets there than from the first value, replicate by replicate."""
        fallen = tables["trajectories"].changed(lambda block: supporting.times_to(block, "loss", REACHED))
        times = fallen.changed(lambda runs: runs[[rows, "dynamics", "replicate", "time"]]).frame()
        medians = times.groupby([rows, "dynamics"], observed=True)["time"].median().unstack()
        medians = medians.reindex(columns=[ONE, TWO])
        two_layer = times[times["dynamics"] == TWO].pivot(index="replicate", columns=rows, values="time")
        sooner = two_layer[two_layer.columns[:1]].to_numpy() / two_layer
        return pd.DataFrame(
            {
                style.symbol(rows): medians.index,
                "one-layer: t to 1 %": medians[ONE].to_numpy(),
                "two-layer: t to 1 %": medians[TWO].to_numpy(),
                "two-layer, times sooner": [
                    f"{sooner[value].median():.3g} (from {sooner[value].min():.3g} to {sooner[value].max():.3g})"
                    if value in sooner
                    else ""
                    for value in medians.index
                ],
            }
        )
