"""What figures draw and the numbers that support them, from curves that are known."""

import numpy as np
import pandas as pd
import pytest
from conftest import small_config

from linear_networks_workflow.experiment import run
from linear_networks_workflow.figures import numbers, times
from linear_networks_workflow.figures.modes import Modes
from linear_networks_workflow.figures.rates import Rates
from linear_networks_workflow.figures.reconstruction import Reconstruction
from linear_networks_workflow.figures.tables import of_frames

TIMES = np.concatenate([[0.0], np.geomspace(1e-3, 10.0, 399)])


def test_the_one_layer_error_is_a_hundredth_after_the_logarithm_of_a_hundred():
    errors = [3.0 * np.exp(-TIMES), np.exp(-0.1 * TIMES)]
    trajectories = pd.DataFrame({"run": np.repeat(["a", "b"], 400), "t": np.tile(TIMES, 2), "error": np.ravel(errors)})
    found = numbers.times_to(trajectories.sample(frac=1.0), "error", 0.01).set_index("run")["time"]
    assert found["a"] == pytest.approx(np.log(100.0), rel=1e-12)
    assert found["b"] == np.inf


def test_modes_are_half_learned_when_the_closed_form_says():
    # Balanced spectral modes, x(t) = s / (1 + (s/x0 - 1) exp(-2 s t)): half of s at log(s/x0 - 1) / (2 s).
    spectrum, start = np.array([4.0, 0.5]), 1e-3
    values = spectrum / (1.0 + (spectrum / start - 1.0) * np.exp(-2.0 * spectrum * TIMES[:, None]))
    described = {"run": "a", "experiment": "e", "dynamics": "asymmetric", "matrix": "m"}
    tables = {
        "runs": pd.DataFrame([described]),
        "matrices": pd.DataFrame({"matrix": ["m"], "singular_values": [spectrum]}),
        "trajectories": pd.DataFrame({"run": "a", "t": TIMES, "singular_values": [*values]}),
    }
    (row,) = Modes.numbers(of_frames(tables, {stage: [*table] for stage, table in tables.items()})).to_dict("records")
    halves = np.log(spectrum / start - 1.0) / (2.0 * spectrum)
    # Samples are 2.3 % apart: the logarithm is linear between them up to the square of that times the rate.
    assert row["largest mode: t to 1/2"] == pytest.approx(halves[0], rel=1e-3)
    assert row["smallest mode: t to 1/2"] == pytest.approx(halves[1], rel=1e-3)


def test_the_share_of_predictions_inside_is_counted_by_dynamics_solver_and_quantity():
    row = {"dynamics": "asymmetric", "solver": "flow", "quantity": "product", "predicted": 2.0, "bound": 1.0}
    flow = [(2.0, 0.1), (2.2, 0.1), (0.5, 0.4), (0.5, 0.6), (np.nan, np.nan)]
    rows = [{**row, "measured": rate, "uncertainty": width} for rate, width in flow]
    rows += [{**row, "solver": "exact", "measured": 3.0, "uncertainty": 0.5, "predicted": np.nan}]
    tables = {"runs": pd.DataFrame({"run": ["a"]}), "rates": pd.DataFrame(rows).assign(run="a")}
    exact, found = Rates.numbers(of_frames(tables, {stage: [*table] for stage, table in tables.items()})).to_dict(
        "records"
    )
    assert (found["measured"], found["within uncertainty"], found["bound violated"]) == ("4 of 5", "1 of 4", 1)
    assert (exact["measured"], exact["within uncertainty"], exact["bound violated"]) == ("1 of 1", "0 of 0", 0)


def test_figure_1_shows_no_spread_where_every_draw_is_learned_alike():
    # Two draws of other spectra, learned in proportion; the third mode of Y is 0.
    spectra = {"m": np.array([4.0, 1.0, 0.0]), "n": np.array([9.0, 0.5, 0.0])}
    part = -np.expm1(-TIMES)
    frames = [
        pd.DataFrame(
            {"run": f"{dynamics} {matrix}", "dynamics": dynamics, "t": TIMES, "error": 1.0 - 0.99 * part}
            | {"singular_values": [*(part[:, None] * spectrum)]}
        )
        for matrix, spectrum in spectra.items()
        for dynamics in ("linear", "asymmetric")
    ]
    runs = [
        {"run": f"{dynamics} {matrix}", "dynamics": dynamics, "matrix": matrix, "scale": 0.1}
        for matrix in spectra
        for dynamics in ("linear", "asymmetric")
    ]
    tables = {
        "runs": pd.DataFrame(runs),
        "trajectories": pd.concat(frames, ignore_index=True),
        "matrices": pd.DataFrame({"matrix": [*spectra], "singular_values": [*spectra.values()]}),
    }
    shown = of_frames(tables, {stage: [*table] for stage, table in tables.items()})
    bottom = Reconstruction.draw(shown, columns="scale").axes[1]
    *learned, theory = bottom.get_lines()
    assert len(learned) == 2
    for line in learned:
        np.testing.assert_allclose(line.get_ydata(), part[1:], rtol=1e-12)
    for band in bottom.collections:
        (path,) = band.get_paths()
        assert np.abs(path.vertices[:, 1] - np.interp(path.vertices[:, 0], TIMES, part)).max() < 1e-12
    assert set(theory.get_ydata()) == {1.0}


def test_every_two_digits_take_the_one_layer_model_the_logarithm_of_ten_and_what_never_comes_so_far_has_no_median():
    config = small_config(dynamics=["linear"], solver={"method": "flow"}, time={"horizon": 5.0, "samples": 200})
    runs = run({"experiments": config["experiments"]}, "small")["runs"]
    shown = of_frames({"runs": runs}, {"runs": ["run", "dynamics", "scale", *times.COLUMNS.values()]})
    rows = times.Times.numbers(shown, along="scale").to_dict("records")
    assert [next(iter(row.values())) for row in rows] == [0.1, 1.0]
    for row in rows:
        assert row["t to 2 digits"] == pytest.approx(np.log(10.0), rel=1e-8)
        assert row["t to 4 digits"] == pytest.approx(2.0 * np.log(10.0), rel=1e-8)
        assert row["t to 6 digits"] == np.inf
    two, four, six = times.Times.draw(shown, along="scale").axes
    assert (len(two.get_lines()), len(four.get_lines()), len(six.get_lines())) == (1, 1, 0)
