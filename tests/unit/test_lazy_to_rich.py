"""What figures of lazy, rich and mixed runs say in numbers, against laws that do not share their code."""

import numpy as np
import pytest
import yaml
from numpy.testing import assert_allclose

from linear_networks_workflow.experiment import run
from linear_networks_workflow.figures import KINDS
from linear_networks_workflow.figures.tables import of_frames


def numbers(kind, **changes):
    """The table below a figure of a kind's example, with other keys of its experiment."""
    config = yaml.safe_load(KINDS[kind].example)
    config["experiments"]["example"].update(changes)
    return KINDS[kind].numbers(of_frames(run(config, "example"), KINDS[kind].columns({}, {})))


def test_laziness_and_rate_depend_on_h_alone_and_are_those_of_theory():
    solver = {"method": "flow", "rtol": 1e-10}
    time = {"horizon": 30.0, "samples": 300, "spacing": "log", "first": 1e-3}
    square = {"source": "spectrum", "rows": 3, "columns": 3, "values": [2.0, 1.0, 0.5]}
    found = numbers("lazy-to-rich", matrix=square, width=6, solver=solver, time=time)
    # Both signs of lambda0 = 1 have one h, beside that of 0.
    half = np.sort(np.hypot([[0.0], [0.5]], [0.1, 1.0, 10.0]).ravel())
    assert_allclose(found["h"].astype(float), half, rtol=1e-3)
    # A = B = sqrt(Y Y^T + h^2) at the end and h I at the start, up to lambda0, as matrices of side 9.
    for h, lazy, rate in zip(half, found["laziness"], found["rate"], strict=True):
        moved = np.diag(np.hypot([2.0, 1.0, 0.5], h) - h)
        kernel = np.kron(moved, np.eye(3)) + np.kron(np.eye(3), moved)
        assert lazy == pytest.approx(np.linalg.norm(kernel) / (2.0 * h * 3.0), rel=1e-3)
        assert rate == pytest.approx(2.0 * np.hypot(0.5, h), rel=0.02)


def test_the_gap_of_mixed_dynamics_falls_as_the_root_of_the_width():
    found = numbers("mixed", width=[1000, 100_000], replicates=4)
    assert [*found["k"]] == [1000, 100_000]
    for quantity in ("largest over t", "in L² over t"):
        first, last = found[quantity]
        assert first / last == pytest.approx(10.0, rel=0.3)
