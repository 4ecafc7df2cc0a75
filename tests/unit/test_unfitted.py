"""Flows of two eigenvalues of Q beside the fitted flow of one: in the table of fits, and against the plain equation."""

import numpy as np
import pytest
from conftest import PROJECT
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp

from linear_networks_workflow.experiment import run

GAPS = ["mean_lambda0", "mean_tau", "mean_gap_l2", "mean_gap_max", "wide_lambda0", "wide_tau", "wide_gap_l2"]


def fits(initialization, width, replicates=2):
    """The fits of an experiment, each with the columns of its run, and its tables."""
    experiment = {
        "matrix": {"source": "gaussian", "rows": 2, "columns": 3},
        "initialization": initialization,
        "width": width,
        "dynamics": ["asymmetric", {"name": "regularized", "lambda0": "fit"}],
        "solver": {"method": "flow", "rtol": 1e-10},
        "time": {"horizon": 0.5, "samples": 30, "spacing": "log", "first": 1e-3},
        "replicates": replicates,
        "record": ["product"],
    }
    found = run({"experiments": {"a": experiment}}, "a", PROJECT)
    more = found["runs"][["run", "matrix", "imbalance_eigenvalues", "factors"]]
    return found["lambda0"].merge(more, on="run"), found


def gap(row, tables, lambda0, tau):
    """L^2 gap of dP/dt = S~ P + P S~ - P^2 + tau^2 I from the P(0) of a run, by an integrator of its own."""
    y = np.reshape(tables["matrices"].set_index("matrix").loc[row["matrix"], "values"], (2, 3))
    factors = np.reshape(row["factors"], (5, -1))
    generator = np.block([[lambda0 / 2 * np.eye(2), y], [y.T, -lambda0 / 2 * np.eye(3)]])
    samples = tables["trajectories"].query("run == @row['run']").sort_values("t")

    def velocity(t, state):
        p = state.reshape(5, 5)
        return (generator @ p + p @ generator - p @ p + tau**2 * np.eye(5)).ravel()

    times = samples["t"].to_numpy()
    exact = solve_ivp(velocity, (0.0, 0.5), (factors @ factors.T).ravel(), "DOP853", times, rtol=1e-11, atol=1e-11)
    found = exact.y.T.reshape(-1, 5, 5)[:, :2, 2:]
    products = np.stack(samples["product"]).reshape(-1, 2, 3)
    squares = [np.trapezoid((part**2).sum(axis=(1, 2)), times) for part in (found - products, products)]
    return np.sqrt(squares[0] / squares[1])


def test_gaps_of_gaussian_starts_are_those_of_the_riccati_equation_from_the_whole_start():
    rows, tables = fits({"kind": "gaussian", "scale": 0.5}, [5, 40])
    for row in rows.to_dict("records"):
        values = np.sort(row["imbalance_eigenvalues"])
        low, high = values[:3].mean(), values[3:].mean()
        assert_allclose([row["mean_lambda0"], row["mean_tau"] ** 2], [low + high, -low * high], rtol=1e-9)
        assert (row["wide_lambda0"], row["wide_tau"]) == (0.0, row["width"] * 0.25)
        assert row["mean_gap_l2"] == pytest.approx(gap(row, tables, low + high, row["mean_tau"]), rel=1e-6)
        assert row["wide_gap_l2"] == pytest.approx(gap(row, tables, 0.0, row["wide_tau"]), rel=1e-6)
        assert row["mean_gap_max"] >= row["mean_gap_l2"]


@pytest.mark.parametrize("scale", [1.0, 1e-8])
def test_a_start_of_two_eigenvalues_has_no_gap_however_small_and_is_wide_in_no_sense(scale):
    rows, _ = fits({"kind": "hyperbolic", "scale": scale, "lambda0": -1.5 * scale, "tau": 2.0 * scale}, 5)
    assert_allclose(rows["mean_lambda0"], -1.5 * scale, rtol=1e-12)
    assert_allclose(rows["mean_tau"], 2.0 * scale, rtol=1e-12)
    assert (rows["mean_gap_max"] < 1e-6).all()
    assert (rows["gap_l2"] > rows["mean_gap_l2"]).all()
    assert rows[["wide_lambda0", "wide_tau", "wide_gap_l2", "wide_gap_max"]].isna().all(axis=None)


@pytest.mark.parametrize(("scale", "width"), [(1.0, 4), (1e160, 5)])
def test_starts_of_a_smaller_rank_and_runs_that_diverged_have_no_such_gaps(scale, width):
    rows, _ = fits({"kind": "gaussian", "scale": scale}, width)
    assert len(rows) == 2
    assert rows[GAPS].isna().all(axis=None)
