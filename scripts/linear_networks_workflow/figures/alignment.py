"""Whether the kernel has its direction before the loss falls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from linear_networks.components import Refused
from linear_networks_workflow.figures import style
from linear_networks_workflow.figures.kind import Kind, along, axis, present, sampled
from linear_networks_workflow.figures.libraries import pd, plt
from linear_networks_workflow.figures.tables import Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The dynamics that it is about, and the words of its panels.
TWO = "asymmetric"
QUANTITIES = {"kernel_cosine": "cosine of K(t) and K(∞)", "loss": "loss"}


class Alignment(Kind):
    """The direction of the tangent kernel of two layers over time, above the loss: a line a value of an axis."""

    name, label = "alignment", "silent alignment of the kernel"
    many = False
    section = "Lazy and rich"
    dynamics = (TWO,)
    parameters = {"lines": axis("one line a value")}
    needs = {
        "runs": ("run", "dynamics", "laziness", "silent_alignment"),
        "trajectories": ("run", "t", "loss", "kernel_cosine"),
    }
    caption = """
    **Silent alignment.**

    Above: cosine of the tangent kernel K: E ↦ UUᵀE + EVVᵀ of the two-layer model with that of the last time. Below: the
    loss. Lines are medians, bands 10 to 90 % of the runs.

    What to see, where theory holds: from small starts the kernel turns to its last direction while the loss still
    stays, and then grows only. From large starts it hardly turns at all. Below, medians by value: the cosine where the
    loss is 95 % of its start, the least of the runs, and how far the kernel has moved in the end, relative to its
    start.
    """
    example = """
    experiments:
      example:
        matrix: {source: spectrum, rows: 3, columns: 4, values: [2.0]}
        initialization: {kind: gaussian, scale: [1.0e-3, 1.0e-1]}
        width: 7
        dynamics: [asymmetric]
        solver: {method: flow}
        time: {horizon: 20.0, samples: 60, spacing: log, first: 1.0e-1}
        replicates: 2
        record: [kernel]
    figures:
      example: {kind: alignment, experiment: example, lines: scale}
    """

    @classmethod
    def check(cls, experiment: Mapping[str, Any]) -> None:
        super().check(experiment)
        if "kernel" not in experiment["record"]:
            raise Refused("", "needs record: [kernel]")

    @staticmethod
    def draw(tables: Tables, lines: str) -> Figure:
        """Cosine (above) and loss (below) over time, a line a value of the axis `lines`."""
        runs = tables["runs"].frame()
        values = along(runs[runs["dynamics"] == TWO], lines)
        samples = tables["trajectories"].changed(lambda block: block[block["dynamics"] == TWO])
        size = (style.COLUMN_WIDTH, 2 * style.PANEL_HEIGHT)
        figure, panels = plt.subplots(2, 1, sharex=True, figsize=size)
        sampled(samples.spreads("loss", [lines, "t"]))
        for panel, (quantity, words) in zip(panels, QUANTITIES.items(), strict=True):
            curves = present(samples.spreads(quantity, [lines, "t"]), "run whose kernel is known, and not 0 in the end")
            for value, colour in zip(values, style.sequence(len(values)), strict=True):
                style.curve(curves[curves[lines] == value], panel, color=colour, label=style.titled(lines, value))
            panel.set(xscale="log", ylabel=words)
        panels[0].legend()
        panels[1].set(yscale="log", xlabel="time t")
        return figure

    @staticmethod
    def numbers(tables: Tables, lines: str) -> pd.DataFrame:
        """A row a value of the axis `lines`: the cosine where the loss begins to fall, and the laziness."""
        runs = tables["runs"].frame()
        found = runs[runs["dynamics"] == TWO].groupby(lines)
        return pd.DataFrame(
            {
                style.symbol(lines): list(found.groups),
                "cosine at 95 % of the loss": found["silent_alignment"].median().to_numpy(),
                "its least": found["silent_alignment"].min().to_numpy(),
                "laziness": found["laziness"].median().to_numpy(),
            }
        )
