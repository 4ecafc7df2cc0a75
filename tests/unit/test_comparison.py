import numpy as np
import pandas as pd
import pytest
from conftest import small_config

from linear_networks_workflow.dataset import audit
from linear_networks_workflow.dataset.audit.comparison import compare_runs, deviations
from linear_networks_workflow.errors import InputError
from linear_networks_workflow.experiment import run
from linear_networks_workflow.stages import rate_fits


def frame(**columns):
    return pd.DataFrame({"run": ["a", "a"], "t": [0.0, 1.0], **columns})


def sizes(stored, again, least=0.0):
    return {deviation.column: deviation.size for deviation in deviations(stored, again, least)}


def test_a_deviation_is_relative_to_the_largest_number_of_its_column():
    found = sizes(frame(error=[4.0, 1.0]), frame(error=[4.0, 1.1]))
    assert found["error"] == pytest.approx(0.1 / 4.0)
    assert found["t"] == 0.0


def test_a_run_without_samples_deviates_in_nothing_from_one_without():
    none = frame(error=[1.0, 1.0])[:0]
    assert sizes(none, none) == {}
    assert sizes(none, frame(error=[1.0, 1.0])) == {"run": np.inf}


def test_fits_to_runs_without_samples_are_computed_again():
    found = run(small_config(initialization={"kind": "gaussian", "scale": 1e160}), "small")
    assert found["trajectories"].empty
    stored = found["runs"], found["trajectories"]
    again = audit._refit("rates", ["run"], rate_fits.fit, *stored, {}, lambda numbers: numbers)
    assert again["rates"].empty


def test_rounding_of_larger_numbers_is_not_measured_against_itself():
    assert sizes(frame(drift=[0.0, 2e-16]), frame(drift=[0.0, 1e-16]), least=1.0)["drift"] == pytest.approx(1e-16)


@pytest.mark.parametrize(
    ("stored", "again"),
    [
        (["done", "done"], ["done", "failed"]),
        ([1, 2], [1, 3]),
        ([1.0, np.nan], [1.0, 2.0]),
        ([np.array([1.0]), None], [np.array([1.0]), np.array([2.0])]),
        ([np.array([1.0]), np.array([1.0])], [np.array([1.0]), np.array([1.0, 2.0])]),
    ],
)
def test_words_counts_lengths_and_what_is_missing_are_compared_exactly(stored, again):
    assert sizes(frame(x=stored), frame(x=again))["x"] == np.inf
    assert sizes(frame(x=again), frame(x=again))["x"] == 0.0


def test_the_message_has_both_numbers_and_the_time():
    vectors = [[np.array([1.0, 2.0]), np.array([3.0, 4.0])], [np.array([1.0, 2.0]), np.array([3.0, 4.5])]]
    (found,) = (d for d in deviations(*(frame(x=vector) for vector in vectors)) if d.column == "x")
    assert found.message == "at t = 1 4 is stored, 4.5 computed again"


def chaotic(start):
    """One number after 60 steps of the logistic map, which doubles an error in each step."""
    for _ in range(60):
        start = 4.0 * start * (1.0 - start)
    return start


def run_of(function, start=0.3):
    """Function that computes the run again from a start that is passed through a change."""

    def compute(change):
        (end,) = function(change(np.array([start])))
        return {"trajectories": frame(error=[1.0, end], loss=[1.0, 0.5])}

    return compute


FILES = {"trajectories": "x.parquet"}


def test_what_rounding_decides_is_counted_and_not_refused():
    stored = {"trajectories": frame(error=[1.0, chaotic(0.3 + 1e-15)], loss=[1.0, 0.5 + 1e-15])}
    found = compare_runs(stored, run_of(chaotic), FILES, {"a": 1.0})
    assert found["trajectories"].rounded == 1


def test_what_differs_alone_is_refused_even_where_rounding_would_move_it():
    stored = {"trajectories": frame(error=[1.0, chaotic(0.3 + 1e-15)], loss=[1.0, 0.5])}
    with pytest.raises(InputError, match="run a, column error"):
        compare_runs(stored, run_of(chaotic), FILES, {"a": 1.0})


def test_what_rounding_does_not_explain_is_refused_by_file_run_and_column():
    compute = run_of(lambda start: start, 0.25)
    stored = {"trajectories": frame(error=[1.0, 0.375], loss=[1.0, 0.5])}
    with pytest.raises(InputError, match=r"x\.parquet: run a, column error: at t = 1 0\.375 is stored, 0\.25 computed"):
        compare_runs(stored, compute, FILES, {"a": 1.0})
    stored = {"trajectories": frame(error=[1.0, 0.25 + 1e-12], loss=[1.0, 0.5])}
    assert compare_runs(stored, compute, FILES, {"a": 1.0})["trajectories"].rounded == 0


RATE = {"measured": 2.0, "uncertainty": 0.1, "points": 20.0, "reason": None}
NONE = {"measured": np.nan, "uncertainty": np.nan, "points": np.nan, "reason": "floor reached"}


def rates_of(*rows, predicted=2.0):
    """Rows of rates of one run."""
    table = pd.DataFrame([{"run": "a", "quantity": f"mode {place}", **row} for place, row in enumerate(rows)])
    return {"rates": table.assign(predicted=predicted)}


def measured(threshold, value=0.3):
    """Function that computes a rate of 2 and one of 2 that is measured where a number is below a threshold."""

    def compute(change):
        (number,) = change(np.array([value]))
        return rates_of({**RATE, "measured": 2.0 * number / value}, RATE if number < threshold else NONE)

    return compute


ALWAYS, NEVER = np.inf, -np.inf
# On this machine 0.3 is below the one and not below the other, and rounding moves it across either.
JUST, JUST_NOT = 0.3 + 1e-16, 0.3 - 1e-16
ELSEWHERE = {**RATE, "measured": 2.0 + 1e-14}


def compared(rows, threshold):
    return compare_runs(rates_of(*rows), measured(threshold), {"rates": "x.parquet"}, {"a": 1.0})["rates"]


@pytest.mark.parametrize(("row", "threshold"), [(NONE, JUST), ({**RATE, "measured": 1.95}, JUST_NOT)])
def test_a_rate_that_rounding_lets_be_measured_or_not_is_counted_and_not_refused(row, threshold):
    found = compared([ELSEWHERE, row], threshold)
    assert (found.edges, found.rounded) == (1, 0)
    assert compared([ELSEWHERE, RATE], ALWAYS).edges == 0


@pytest.mark.parametrize(
    ("row", "threshold"),
    [
        (NONE, ALWAYS),
        (RATE, NEVER),
        # At the edge, but not as any computation has it.
        ({**RATE, "measured": 2.5}, JUST_NOT),
        ({**RATE, "uncertainty": np.nan}, JUST_NOT),
        ({**NONE, "reason": "too few samples"}, JUST),
        ({**NONE, "points": 20.0}, JUST),
    ],
)
def test_a_rate_that_was_deleted_or_added_is_refused(row, threshold):
    with pytest.raises(InputError, match=r"x\.parquet: run a, column measured: "):
        compared([ELSEWHERE, row], threshold)


def test_an_edge_hides_no_alteration_of_its_row_or_of_another():
    for altered in (rates_of(ELSEWHERE, NONE, predicted=2.1), rates_of({**RATE, "measured": 2.01}, NONE)):
        with pytest.raises(InputError, match="run a, column (predicted|measured): "):
            compare_runs(altered, measured(JUST), {"rates": "x.parquet"}, {"a": 1.0})


def test_a_rate_at_the_edge_that_differs_alone_is_refused():
    with pytest.raises(InputError, match="run a, column measured: no rate is stored"):
        compared([RATE, NONE], JUST)
