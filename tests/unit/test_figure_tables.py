"""Rows of a figure, read some at a time: the same as all at once."""

import numpy as np
import pandas as pd
import pytest
from conftest import small_config

from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.experiment import run
from linear_networks_workflow.figures import reading, tables
from linear_networks_workflow.figures.tables import Rows, of_frames

COLUMNS = {
    "matrices": ["matrix", "singular_values"],
    "runs": ["dynamics", "matrix", "run", "scale"],
    "trajectories": ["run", "t", "error", "singular_values"],
    "rates": ["run", "quantity", "measured"],
}


@pytest.fixture(scope="module")
def found():
    """Tables of an experiment of two scales and two dynamics, of three draws each."""
    return run(small_config(replicates=3, time={"horizon": 10.0, "samples": 40}), "small")


@pytest.fixture
def files(found, tmp_path):
    """Its files: of runs and what belongs to them, two of a dynamics, with two runs in each row group."""
    made = {"matrices": [tmp_path / "results" / "matrices" / "small.parquet"]}
    for stage in ("runs", "trajectories", "rates"):
        made[stage] = []
        for dynamics, runs in found["runs"].groupby("dynamics", observed=True):
            for chunk, begin in enumerate(range(0, len(runs), 4)):
                file = tmp_path / "results" / stage / "small" / dynamics / f"{chunk:05d}.parquet"
                write(found[stage], parquet.SCHEMAS[stage], file, runs["run"].iloc[begin : begin + 4])
                made[stage].append(file)
    write(found["matrices"], parquet.MATRICES, made["matrices"][0])
    return {stage: [*map(str, paths)] for stage, paths in made.items()}


def write(frame, schema, file, runs=None):
    file.parent.mkdir(parents=True, exist_ok=True)
    with parquet.writing(file, schema, {}) as add:
        for begin in range(0, 4 if runs is not None else 1, 2):
            some = frame if runs is None else frame[frame["run"].isin(runs.iloc[begin : begin + 2])]
            add(parquet.of_frame(some, schema))


@pytest.mark.parametrize("where", [{}, {"scale": 0.1}, {"scale": 1.0}])
@pytest.mark.parametrize("stage", ["runs", "trajectories", "rates"])
def test_what_is_read_of_files_is_what_is_in_memory(found, files, stage, where):
    frames = {**found, "runs": reading.chosen(found["runs"], where)}
    expected = of_frames(frames, COLUMNS)[stage].frame()
    read = reading.read(files, COLUMNS, where)[stage]
    assert len(list(read.blocks())) >= 2
    frame = read.frame()
    assert len(frame) > 0
    assert set(frame) == set(expected)
    for column in expected:
        assert sorted(map(plain, frame[column])) == sorted(map(plain, expected[column])), column


def plain(value):
    return str([*map(float, value)]) if isinstance(value, np.ndarray | list) else str(value)


def test_a_row_has_the_columns_of_its_own_run_and_matrix_beside_it(found, files):
    frame = reading.read(files, COLUMNS, {})["trajectories"].frame()
    runs, matrices = found["runs"].set_index("run"), found["matrices"].set_index("matrix")
    for row in frame.sample(20, random_state=0).to_dict("records"):
        assert row["scale"] == runs.loc[row["run"], "scale"]
        spectrum = matrices.loc[runs.loc[row["run"], "matrix"], "singular_values"]
        assert [*row["matrix_singular_values"]] == [*spectrum]


@pytest.mark.parametrize("most", [9, 60, 2**24])
def test_medians_and_bands_are_those_of_the_whole_whatever_is_held_at_a_time(monkeypatch, found, files, most):
    monkeypatch.setattr(tables, "MOST", most)
    monkeypatch.setattr(tables, "COPIED", max(1, most // 2))
    spreads = reading.read(files, COLUMNS, {})["trajectories"].spreads("error", ["scale", "dynamics", "t"])
    whole = found["trajectories"].groupby(["scale", "dynamics", "t"], observed=True)["error"]
    assert len(spreads) == 2 * 2 * 40
    by = pd.MultiIndex.from_frame(spreads[["scale", "dynamics", "t"]])
    for column, expected in (("low", whole.quantile(0.1)), ("median", whole.median()), ("high", whole.quantile(0.9))):
        np.testing.assert_allclose(spreads[column], expected.reindex(by), rtol=1e-13)


def test_no_more_values_are_held_at_a_time_than_asked_for(monkeypatch):
    monkeypatch.setattr(tables, "MOST", 100)
    held, place = [], tables._sorted_into
    monkeypatch.setattr(tables, "_sorted_into", lambda *given: held.append(len(values := place(*given))) or values)
    rng = np.random.default_rng(0)
    block = pd.DataFrame({"group": rng.integers(0, 30, 1000), "value": rng.standard_normal(1000)})
    blocks = Rows(lambda: iter([block.iloc[begin::7] for begin in range(7)]))
    spreads = blocks.spreads("value", ["group"])
    np.testing.assert_allclose(spreads["median"], block.groupby("group")["value"].median(), rtol=1e-13)
    assert sum(held) == 1000
    assert max(held) <= 100


def test_what_is_missing_is_in_no_group_and_one_value_has_no_band():
    block = pd.DataFrame({"group": ["a", "a", "a", None, "b"], "value": [1.0, 3.0, np.nan, 5.0, 7.0]})
    a, b = Rows(lambda: iter([block])).spreads("value", ["group"]).to_dict("records")
    assert (a["group"], a["median"], b["group"], b["median"]) == ("a", 2.0, "b", 7.0)
    assert np.isnan([b["low"], b["high"]]).all()
