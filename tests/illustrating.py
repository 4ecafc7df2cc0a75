"""Figures drawn in this process, as the job of a figure does it, but for its files."""

from contextlib import contextmanager

import matplotlib.pyplot as plt
import pandas as pd

from linear_networks_workflow.experiment import run
from linear_networks_workflow.figures import (
    KINDS,
    drawing,
    experiments_of,
    options_of,
    planning,
    reading,
    style,
    tables,
)


@contextmanager
def drawn(config, name, found=None):
    """A figure of a prepared config, and its caption with numbers; of tables that were found, or are computed now."""
    figure = config["figures"][name]
    experiments = experiments_of(figure)
    found = found or {experiment: run(config, experiment) for experiment in experiments}
    kind, options = KINDS[figure["kind"]], options_of(figure)
    columns = kind.columns(options, figure["where"])
    frames = {stage: pd.concat([found[experiment][stage] for experiment in experiments]) for stage in columns}
    frames["runs"] = reading.chosen(frames["runs"], figure["where"])
    shown_of = tables.of_frames(frames, columns)
    style.apply(planning.looks(config, name), planning.symbols(config, name))
    try:
        with drawing.named(name):
            shown = kind.draw(shown_of, **options)
            shown.set_dpi(20)
            shown.canvas.draw()
            yield shown, drawing.caption(kind, kind.numbers(shown_of, **options), planning.made_from(config, name))
    finally:
        plt.close("all")
