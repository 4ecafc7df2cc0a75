"""Step sizes past the stability limit, told in the log of the job that runs them."""

import logging
from collections.abc import Sequence

import numpy as np

from linear_networks.dynamics import DYNAMICS
from linear_networks.losses import LOSSES
from linear_networks.matrices.source import Data
from linear_networks_workflow.grid import Run


def note(runs: Sequence[Run], matrices: Sequence[Data], factors: np.ndarray) -> None:
    """Log how many runs of a batch, of starts R(0) of shape (runs, m + n, w), have a step size past the limit."""
    step_size = runs[0].point["solver"].get("step_size")
    if step_size is None:
        return
    loss, dynamics = runs[0].point["loss"], DYNAMICS[runs[0].dynamics]
    rows = matrices[0].values.shape[0]
    parts = np.stack([matrix.values for matrix in matrices]), factors[:, :rows], factors[:, rows:]
    norms = np.transpose([np.linalg.norm(part, 2, axis=(1, 2)) for part in parts])
    unstable = 0
    for run, matrix, (data, left, right) in zip(runs, matrices, norms.tolist(), strict=True):
        inputs = 1.0 if matrix.inputs is None else float(np.linalg.norm(matrix.inputs, 2))
        of_loss = LOSSES[loss["kind"]].curvature(inputs, data + left * right, loss)
        unstable += step_size * dynamics.curvature(of_loss, data, left, right, run.point["dynamics"]) > 2.0
    if unstable:
        logging.info("%d of %d runs have a step size past the stability limit", unstable, len(runs))
