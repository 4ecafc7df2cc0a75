"""What Figure 1 shows, asserted on the runs that the shipped config draws."""

import numpy as np
import pytest
from conftest import compute
from numpy.testing import assert_allclose
from scipy.stats import spearmanr


@pytest.fixture(scope="module")
def figure1():
    """Trajectories of the experiment `imbalance`, and the singular values of Y by replicate."""
    runs, trajectories, matrices = compute("imbalance")
    spectra = {
        replicate: np.linalg.svdvals(matrices[matrix].values)
        for replicate, matrix in zip(runs["replicate"], runs["matrix"], strict=True)
    }
    return trajectories, spectra


def first_time(times, reached):
    """First time at which a condition holds; infinite if it never does."""
    return times[np.argmax(reached)] if np.any(reached) else np.inf


def test_small_initialization_learns_components_in_the_order_of_their_singular_values(figure1):
    trajectories, spectra = figure1
    small = trajectories[(trajectories["dynamics"] == "asymmetric") & (trajectories["scale"] == 0.01)]
    assert small["replicate"].nunique() >= 10
    for replicate, run in small.groupby("replicate"):
        values = np.stack(run["singular_values"])
        halves = [
            first_time(run["t"].to_numpy(), values[:, i] >= spectrum / 2)
            for i, spectrum in enumerate(spectra[replicate])
        ]
        assert np.all(np.isfinite(halves))
        assert spearmanr(-spectra[replicate], halves).statistic >= 0.9


def test_large_initialization_reaches_a_thousandth_ten_times_sooner_than_the_one_layer_model(figure1):
    trajectories, _ = figure1
    large = trajectories[trajectories["scale"] == 1.0]
    assert large["replicate"].nunique() >= 10
    for _, replicate in large.groupby("replicate"):
        reached = {
            dynamics: first_time(run["t"].to_numpy(), run["error"].to_numpy() <= 1e-3)
            for dynamics, run in replicate.groupby("dynamics", observed=True)
        }
        assert reached["linear"] >= 10 * reached["asymmetric"]


def test_one_layer_error_shrinks_by_one_minus_step_size_a_step(figure1):
    trajectories, _ = figure1
    for _, run in trajectories[trajectories["dynamics"] == "linear"].groupby("run"):
        error = run["error"].to_numpy()
        assert_allclose(error, error[0] * (1 - 1e-3) ** run["step"].to_numpy(), rtol=1e-10)


def test_both_models_start_from_the_same_product(figure1):
    trajectories, _ = figure1
    start = trajectories[trajectories["t"] == 0]
    errors = start.pivot_table(index=["scale", "replicate"], columns="dynamics", values="error", observed=True)
    assert len(errors) == 30
    assert_allclose(errors["linear"], errors["asymmetric"], rtol=1e-14)


def test_the_transient_of_the_large_initialization_is_resolved(figure1):
    trajectories, _ = figure1
    large = trajectories[(trajectories["scale"] == 1.0) & (trajectories["dynamics"] == "asymmetric")]
    median = large.groupby("t")["error"].median()
    falling = median[(median < 0.9 * median.iloc[0]) & (median > 1e-3)]
    assert len(falling) >= 30
