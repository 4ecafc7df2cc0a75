"""What the experiments of the shipped config show beyond Figure 1, asserted on the runs that it draws."""

import numpy as np
import pytest
import yaml
from conftest import PROJECT, compute
from numpy.testing import assert_allclose

from linear_networks.dynamics.asymmetric import Asymmetric
from linear_networks.dynamics.regularized import Regularized
from linear_networks_workflow.dataset import joining, parquet
from linear_networks_workflow.experiment import run
from linear_networks_workflow.figures import descent_vs_flow
from linear_networks_workflow.figures.tables import of_frames
from linear_networks_workflow.stages import rate_fits, tables

pytestmark = pytest.mark.slow


def measured(experiment, **changes):
    """Runs of an experiment, and their rates."""
    runs, trajectories, matrices = compute(experiment, **changes)
    return runs, fitted(runs, trajectories, matrices)


def fitted(runs, trajectories, matrices):
    tables = parquet.of_frame(runs, parquet.RUNS), parquet.of_frame(trajectories, parquet.TRAJECTORIES)
    return rate_fits.fit(*tables, matrices).to_pandas()


def ratios(rates, **which):
    """Measured over predicted rate where both are known, and the number of rows that ask for it."""
    some = chosen(rates, **which)
    return (some["measured"] / some["predicted"]).dropna(), len(some)


def chosen(rates, **which):
    """The rows that theory predicts."""
    some = rates[np.logical_and.reduce([rates[name] == value for name, value in which.items()])]
    return some[some["predicted"].notna()]


def assert_within(found, part, share):
    assert np.mean(np.abs(found - 1) <= part) >= share, found.describe()


def assert_inside(some, share):
    """The prediction lies within the uncertainty of so many of the rates, and most of them are known to 1 %."""
    known = some.dropna(subset="measured")
    gap = (known["measured"] - known["predicted"]).abs()
    assert np.mean(gap <= known["uncertainty"]) >= share, known[gap > known["uncertainty"]].describe()
    assert np.mean(gap <= 0.01 * known["predicted"]) >= 0.9


def test_the_measured_boundary_of_acceleration_is_that_of_theory_within_one_percent():
    runs, rates = measured("one-mode")
    product = rates[rates["quantity"] == "product"].set_index("run")["measured"]
    runs = runs.assign(sigma=runs["values"].str[0], rate=runs["run"].map(product))
    rows = 0
    for imbalance, row in runs.groupby("imbalance"):
        row = row.sort_values("sigma")
        if imbalance < 1 and row["rate"].min() < 1 < row["rate"].max():
            # The measured rate squared is linear in sigma squared if theory is right, and nearly so if it is nearly.
            crossing = np.sqrt(np.interp(1.0, row["rate"] ** 2, row["sigma"] ** 2))
            assert 4 * crossing**2 + imbalance**2 == pytest.approx(1.0, abs=0.01)
            rows += 1
    assert rows >= 9
    assert product.notna().all()


@pytest.mark.parametrize("experiment", ["scalar", "five-by-ten"])
def test_descent_is_away_from_flow_by_an_error_proportional_to_the_step_size(experiment):
    runs, trajectories, _ = compute(experiment)
    found = {"runs": runs, "trajectories": trajectories}
    gaps = descent_vs_flow.gaps_of(of_frames(found, descent_vs_flow.DescentVsFlow.columns({}, {})))
    for _, some in gaps.groupby("dynamics", observed=True):
        assert descent_vs_flow.slope_of(some) == pytest.approx(1.0, abs=0.05)
        assert not some["stable"].all()


def test_imbalance_speeds_up_the_two_layer_sigmoid_network_from_the_same_product():
    runs, trajectories, _ = compute("sigmoid", replicates=2)
    start = trajectories[trajectories["t"] == 0].merge(runs[["run", "imbalance", "imbalance_max", "imbalance_min"]])
    assert_allclose(np.maximum(start["imbalance_max"], -start["imbalance_min"]), start["imbalance"], atol=1e-9)
    for _, same in start.groupby("replicate"):
        assert_allclose(same["loss"], same["loss"].iloc[0], rtol=1e-9)
    two = trajectories[trajectories["dynamics"] == "asymmetric"].merge(runs[["run", "imbalance"]])
    for _, replicate in two.groupby("replicate"):
        reached = {
            imbalance: run["t"][run["loss"] <= 0.01 * run["loss"].iloc[0]].min()
            for imbalance, run in replicate.groupby("imbalance")
        }
        assert reached[4.6] < reached[0.0]


@pytest.fixture(scope="module")
def asymmetric():
    return measured("rates-asymmetric", replicates=2)


def test_spectral_and_linear_rates_have_theory_within_their_uncertainty(asymmetric):
    spectral = measured("rates-spectral")[1]
    runs, rates = asymmetric
    flow = rates[rates["solver"] == "flow"]
    for some in (
        chosen(spectral, solver="flow", quantity="product"),
        chosen(spectral, solver="flow", quantity="mode"),
        chosen(spectral, solver="exact", quantity="product"),
        chosen(spectral, solver="exact", quantity="mode"),
        chosen(flow, dynamics="linear", quantity="product"),
        chosen(measured("rates-symmetric", replicates=2)[1], dynamics="symmetric"),
    ):
        assert_inside(some, 0.99)
        assert some["measured"].notna().sum() >= 0.75 * len(some)


def test_general_rates_are_within_three_percent_of_the_local_rate_and_no_bound_is_violated(asymmetric):
    runs, rates = asymmetric
    general = rates[rates["run"].isin(runs["run"][runs["initialization"] != "spectral"])]
    found, asked = ratios(general, dynamics="asymmetric", solver="flow", quantity="product")
    assert_within(found, 0.03, 0.95)
    assert len(found) >= 0.75 * asked
    bounded = rates.dropna(subset=["bound", "measured"])
    assert (bounded["measured"] + bounded["uncertainty"] >= bounded["bound"]).all()
    assert set(bounded["solver"]) == {"flow"}  # descent moves Q, and has no such bound
    assert (bounded["bound"] > 0.1).sum() > 25


def test_rates_of_descent_have_theirs_within_their_uncertainty(asymmetric):
    runs, rates = asymmetric
    spectral = rates[rates["run"].isin(runs["run"][runs["initialization"] == "spectral"])]
    assert_inside(chosen(spectral, dynamics="asymmetric", solver="descent"), 0.99)
    assert_inside(chosen(rates, dynamics="linear", solver="descent"), 0.99)


def test_a_small_gaussian_start_of_a_rectangular_problem_converges_at_sigma_min_not_twice_that(asymmetric):
    runs, rates = asymmetric
    small = runs[(runs["scale"] == 0.01) & (runs["rows"] != runs["columns"]) & (runs["dynamics"] == "asymmetric")]
    found = rates[rates["run"].isin(small["run"]) & (rates["quantity"] == "product")].dropna(subset="measured")
    smallest = found["run"].map(small.set_index("run")["values"].map(np.min))
    assert len(found) >= 10
    assert_allclose(found["measured"], smallest, rtol=0.03)
    table = tables.tabulate(
        [joining.joined(rates, runs)], ["rows", "columns", "values", "initialization", "scale", "imbalance"]
    )
    assert any("not the 2σ_min" in note for note in tables.notes(table, {Asymmetric.name: Asymmetric.note}))


def test_product_and_gramian_of_a_rectangular_regularized_problem_have_rates_of_their_own():
    runs, rates = measured("rates-regularized", replicates=2)
    rates = rates[rates["run"].isin(runs["run"][runs["rows"] != runs["columns"]])]
    for quantity in ("product", "gramian"):
        found, asked = ratios(rates, quantity=quantity)
        assert_within(found, 0.03, 1.0)
        assert len(found) >= 0.75 * asked
    predicted = rates.pivot_table(index="run", columns="quantity", values="predicted", observed=True)
    assert (predicted["product"] > predicted["gramian"] + 0.1).all()
    table = tables.tabulate([joining.joined(rates, runs)], ["rows", "columns", "lambda0"])
    assert "is that of RRᵀ" in tables.markdown(table, "rates-regularized", {Regularized.name: Regularized.note})


def test_where_theory_knows_no_limit_the_rate_is_that_of_coming_to_rest():
    solver = {"method": "flow", "rtol": 1e-12}
    runs, trajectories, matrices = compute("rates-asymmetric", replicates=1, solver=solver, record=["product"])
    known = fitted(runs, trajectories, matrices)
    unknown = fitted(runs, trajectories.assign(distance=np.nan), matrices)
    both = (
        known[known["quantity"] == "product"]
        .merge(unknown, on="run", suffixes=("", "_rest"))
        .dropna(subset=["measured", "measured_rest"])
    )
    assert len(both) > 60
    assert_allclose(both["measured_rest"], both["measured"], rtol=0.01)


def test_two_eigenvalues_of_q_that_nothing_is_fitted_to_follow_wide_starts_more_closely_than_the_best_one():
    config = yaml.safe_load((PROJECT / "config.yaml").read_text())
    fits = run(config, "without-a-fit", PROJECT)["lambda0"]
    gaps = fits.groupby("width")[["gap_l2", "mean_gap_l2", "wide_gap_l2"]].median()
    one, mean, wide = (gaps[name] for name in gaps)
    assert (one[[25, 50]] < mean[[25, 50]]).all()
    assert (mean <= wide).all()
    assert (wide[[200, 400, 800]] < one[[200, 400, 800]]).all()
    # An independent computation has .059 to .022, and .013 of two eigenvalues, from k = 50 to 800 of other draws.
    assert_allclose(one[[50, 800]], [0.059, 0.022], rtol=0.1)
    assert_allclose(wide[800], 0.013, rtol=0.1)
    assert wide[800] < 0.5 * wide[200]
    assert one[800] > 0.6 * one[200]
    # A mode of imbalance 2 k sigma^2 is what the fit finds.
    assert_allclose(
        (fits["lambda0"].abs() / fits["width"]).groupby(fits["width"]).median()[[200, 400, 800]], 2.3, rtol=0.15
    )
