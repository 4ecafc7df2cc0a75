"""Two layers from a start of vanishing scale: the times at which they learn, and the saddles that they pass."""

from copy import deepcopy
from functools import partial

import numpy as np
import pytest
from illustrating import drawn
from problems import solve, squared

from linear_networks.dynamics import Asymmetric
from linear_networks.measure import saddles
from linear_networks.models import gauge
from linear_networks.theory import saddle_to_saddle
from linear_networks_workflow import config as configuration
from linear_networks_workflow.experiment import run
from linear_networks_workflow.figures import KINDS
from linear_networks_workflow.figures.tables import Rows, of_frames

SIGMA = np.array([3.0, 2.0, 1.0])


@pytest.fixture(scope="module")
def learned():
    """Times, losses and singular values of a flow from factors of scale 1e-16."""
    rng = np.random.default_rng(1)
    left, right = (np.linalg.qr(rng.standard_normal((side, 3)))[0] for side in (4, 5))
    factors = 1e-16 * rng.standard_normal((1, 9, 12))
    times = np.linspace(0.0, 60.0, 601)
    problem = squared(Asymmetric, ((left * SIGMA) @ right.T)[None])
    solution = solve(problem, gauge.reduce(factors)[0], times, width=12)
    assert solution.outcome.tolist() == ["converged"]
    return times, solution.observed["loss"][0], solution.observed["singular_values"][0, :, :3]


def test_from_a_vanishing_start_modes_are_learned_at_the_times_of_the_limit(learned):
    times, _, values = learned
    found = saddles.times(times, values, SIGMA)
    assert found == pytest.approx(saddle_to_saddle.times(SIGMA, 1e-16), rel=0.03)


def test_between_these_times_the_loss_is_that_of_the_saddles(learned):
    times, loss, values = learned
    found = saddles.losses(times, loss, saddles.times(times, values, SIGMA))
    assert found[:2] == pytest.approx([2.5, 0.5], rel=1e-4)
    assert np.isnan(found[2])
    assert saddle_to_saddle.losses(SIGMA) == pytest.approx([2.5, 0.5, 0.0])


def test_there_is_no_time_without_a_mode_or_without_a_small_scale():
    assert saddle_to_saddle.times([2.0, 0.0], np.exp(-4.0)) == pytest.approx([2.0, np.inf])
    assert np.isnan(saddle_to_saddle.times([[2.0]] * 3, [1.0, 2.0, 0.0])).all()


def test_a_mode_that_is_not_learned_has_no_time_and_ends_the_saddles():
    times, values = np.linspace(0.0, 4.0, 5), np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [2.0, 0.0], [2.0, 0.1]])
    found = saddles.times(times, values, np.array([2.0, 1.0]))
    np.testing.assert_allclose(found, [1.0, np.inf])
    assert np.isnan(saddles.losses(times, times, found)).all()


CONFIG = {
    "experiments": {
        "small": {
            "matrix": {"source": "spectrum", "rows": 3, "columns": 4, "values": [2.0, 1.0]},
            "initialization": {"kind": "gaussian", "scale": [1e-8, 1.0]},
            "width": 7,
            "dynamics": ["linear", "asymmetric"],
            "solver": {"method": "flow"},
            "time": {"horizon": 40.0, "samples": 401},
        }
    },
    "figures": {"steps": {"kind": "saddle-to-saddle", "experiment": "small"}},
}


def test_a_figure_of_saddles_is_of_files_of_several_dynamics():
    config = deepcopy(CONFIG)
    config["experiments"]["small"]["time"] = {"horizon": 20.0, "samples": 41}
    frames, kind = run(config, "small"), KINDS["saddle-to-saddle"]
    whole = of_frames(frames, kind.columns({}, {}))

    def blocks(rows):
        return [block for one in rows.blocks() for _, block in one.groupby("dynamics", observed=True)]

    apart = {stage: Rows(partial(iter, blocks(rows))) for stage, rows in whole.items()}
    assert len(list(apart["trajectories"].blocks())) == 2
    assert kind.numbers(apart).equals(kind.numbers(whole))
    assert len(kind.draw(apart).axes[0].get_lines()) == 2


def test_a_figure_of_saddles_counts_small_scales_alone_and_leaves_out_what_y_has_not(tmp_path):
    config = deepcopy(CONFIG)
    configuration.prepare(config, tmp_path / "my.yaml")
    with drawn(config, "steps") as (figure, caption):
        assert len(figure.axes[0].get_lines()) == 2
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in caption.splitlines() if line.startswith("|")]
    numbers = [[float(cell.replace("\\", "") or "nan") for cell in row] for row in rows[1:]]
    np.testing.assert_allclose([row[:2] for row in numbers], [[1e-8, 1.0], [1e-8, 2.0]])
    np.testing.assert_allclose([row[2] for row in numbers], 1.0, rtol=0.06)
    np.testing.assert_allclose(numbers[0][3:], [0.5, 0.5], rtol=0.01)
