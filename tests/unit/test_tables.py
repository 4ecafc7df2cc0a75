import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from numpy.testing import assert_allclose

from linear_networks_workflow.dataset import joining, parquet
from linear_networks_workflow.stages import tables


@pytest.fixture
def fits():
    """Runs and rates of two grid points with four replicates, one of them not measured and one below its bound."""
    runs = pd.DataFrame({"run": list("abcdefgh"), "scale": [0.1] * 4 + [1.0] * 4, "width": 5})
    rates = pd.DataFrame(
        {
            "run": list("abcdefgh"),
            "experiment": "mine",
            "dynamics": "asymmetric",
            "solver": "flow",
            "quantity": "product",
            "mode": pd.array([None] * 8, dtype="Int32"),
            "measured": [1.0, 2.0, 4.0, np.nan, 9.0, 10.0, 11.0, 12.0],
            "uncertainty": 0.1,
            "reason": [None, None, None, "floor reached", None, None, None, None],
            "predicted": [1.0, 2.0, 2.0, 2.0, 10.0, 10.0, 10.0, 10.0],
            "predicted_by": "local rate",
            "paper": np.nan,
            "bound": [0.5] * 4 + [9.5] * 4,
        }
    )
    return runs, rates


def tabulated(runs, rates, axes):
    return tables.tabulate([joining.joined(rates, runs)], axes)


def shown(fits):
    return tables.shown(tabulated(*fits, ["scale"]), ["scale"])


def test_a_row_aggregates_the_replicates_of_a_grid_point(fits):
    small, large = tabulated(*fits, ["scale", "solver"]).to_dict("records")
    assert (small["scale"], small["measured"], small["ratio"], small["runs"]) == (0.1, 2.0, 1.0, 4)
    assert (small["unmeasured"], small["violations"]) == ("1 floor reached", 0)
    assert (large["measured"], large["predicted"], large["unmeasured"]) == (10.5, 10.0, "")
    # Of 9, 10, 11 and 12 with uncertainty 0.1, only 9.1 lies below the bound 9.5.
    assert large["violations"] == 1


def test_a_row_says_how_well_its_rates_are_known_and_how_many_hold_the_prediction(fits):
    runs, rates = fits
    rates["uncertainty"] = [0.1, 0.3, 5.0, np.nan, 0.5, 0.5, 2.0, 0.5]
    small, large = tabulated(runs, rates, ["scale"]).to_dict("records")
    # 1, 2 and 4 against 1, 2 and 2, the last known to 5; the fourth is not measured.
    assert (small["uncertainty"], small["compared"], small["inside"]) == (0.3, 3, 3)
    # 9, 10, 11 and 12 against 10: 9 and 12 are known to 0.5.
    assert (large["uncertainty"], large["compared"], large["inside"]) == (0.5, 4, 2)
    rates["uncertainty"] = 0.0
    assert tabulated(runs, rates, ["scale"])["inside"].tolist() == [2, 1]
    rates["predicted"] = np.nan
    assert tabulated(runs, rates, ["scale"])[["compared", "inside"]].to_numpy().sum() == 0


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_a_table_is_the_same_however_many_rates_are_read_at_a_time(fits, size):
    rows = joining.joined(fits[1], fits[0])
    some = tables.tabulate((rows.iloc[begin : begin + size] for begin in range(0, 8, size)), ["scale"])
    pd.testing.assert_frame_equal(some, tables.tabulate([rows], ["scale"]))


def test_no_more_rates_are_held_than_those_of_a_point_and_what_is_read(fits):
    rows = joining.joined(fits[1], fits[0])
    parts = list(tables._whole_points((rows.iloc[[place]] for place in range(8)), ["scale"]))
    assert [len(part) for part in parts if len(part)] == [4, 4]


def test_a_row_has_every_parameter_that_its_runs_have_in_common(fits):
    runs, rates = fits
    runs["lambda0"] = [0.5] * 4 + [1.0, 2.0, 3.0, 4.0]
    runs["products"] = [np.array([1.0, 0.5])] * 8
    small, large = tabulated(runs, rates, ["scale"]).to_dict("records")
    assert list(small) == parquet.TABLES.names
    assert (small["experiment"], small["width"], small["lambda0"]) == ("mine", 5, 0.5)
    assert np.array_equal(large["products"], [1.0, 0.5])
    # That of a fit is of each run its own, and no parameter of this experiment has a link.
    assert np.isnan(large["lambda0"])
    assert pd.isna(large["link"])


def test_an_axis_of_lists_of_numbers_tells_rows_apart_and_is_shown_as_text(fits):
    runs, rates = fits
    runs["imbalance"] = [0.0] * 4 + [np.nan] * 4
    runs["imbalance_vector"] = [None] * 4 + [np.array([0.0, 1.0])] * 2 + [np.array([0.0, 1.0 + 1e-9])] * 2
    runs["scale"] = 1.0
    table = tabulated(runs, rates, ["imbalance"])
    assert table["runs"].tolist() == [4, 2, 2]
    narrow = tables.shown(table, ["imbalance"])
    assert narrow["imbalance"].tolist() == [0.0, "0, 1", "0, 1"]
    assert [*narrow] == ["imbalance", *tables.KEYS, *tables.COLUMNS]


def test_tables_of_different_axes_are_of_one_schema(fits):
    runs, rates = fits
    found = [parquet.of_frame(tabulated(runs, rates, axes), parquet.TABLES) for axes in (["scale"], ["width"])]
    found.append(parquet.of_frame(tabulated(runs, rates.iloc[:0], []), parquet.TABLES))
    assert all(table.schema == parquet.TABLES for table in found)
    assert found[0]["predicted_by"].to_pylist() == ["local rate"] * 2
    assert found[0]["measured"].null_count == 0
    assert found[0]["mode"].null_count == 2


def test_no_rates_make_an_empty_table_in_every_format(fits):
    runs, rates = fits
    table = tables.shown(tabulated(runs, rates.iloc[:0], ["scale"]), ["scale"])
    assert list(table.columns[:5]) == ["scale", "dynamics", "solver", "quantity", "mode"]
    assert "| scale " in tables.markdown(table, "mine", {})
    assert r"\toprule" in tables.latex(table, "mine")


def test_the_interval_covers_the_true_median_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        low, high = tables.interval(rng.standard_normal(25))
        covered += low <= 0.0 <= high
    # Of 200 at 95 %, within four standard deviations of the binomial.
    assert covered >= 190 - 4 * np.sqrt(200 * 0.95 * 0.05)
    assert covered < 200


@pytest.mark.parametrize("count", [3, 4, 25])
def test_the_interval_is_that_of_scipy(count):
    values = np.random.default_rng(count).standard_normal(count)
    found = scipy.stats.bootstrap(
        (values,), np.median, n_resamples=2000, method="percentile", rng=np.random.default_rng(0)
    )
    assert_allclose(tables.interval(values), found.confidence_interval, rtol=1e-12)


def test_too_few_replicates_have_no_interval():
    assert np.isnan(tables.interval(np.array([1.0, 2.0]))).all()
    assert tables.interval(np.full(5, 2.0)) == (2.0, 2.0)


def test_markdown_tells_bounds_from_equalities_and_says_what_is_said_of_the_dynamics_in_it(fits):
    text = tables.markdown(shown(fits), "mine", {"asymmetric": "known", "riccati": "absent"})
    assert text.startswith("# Rates of `mine`")
    assert "`bound` is an inequality" in text
    assert "- known" in text
    assert "absent" not in text
    assert text.count("| asymmetric |") == 2


def test_latex_has_a_column_for_each_heading_and_escapes_words(fits):
    table = shown(fits)
    text = tables.latex(table, "mine_all")
    columns = re.search(r"\\begin{longtable}{([Sl]+)}", text).group(1)
    assert len(columns) == len(table.columns)
    rows = [line for line in text.splitlines() if "asymmetric" in line]
    assert len(rows) == 2
    assert all(line.count("&") == len(columns) - 1 and line.endswith(r"\\") for line in rows)
    assert "_" not in text.replace(r"\_", "")
    assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule"))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs a TeX engine")
def test_latex_compiles_in_a_minimal_document(fits, tmp_path):
    body = tables.latex(shown(fits), "mine")
    document = (
        r"\documentclass{article}\usepackage{booktabs,longtable,siunitx}\begin{document}" + body + r"\end{document}"
    )
    (tmp_path / "t.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout[-2000:]
