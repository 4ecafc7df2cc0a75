"""Reading the tables of users: what is read, what is refused in one line, and what is warned of."""

import csv

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import small_config
from numpy.testing import assert_allclose, assert_array_equal
from reading import matrix, refusal, spectrum, table, written

from linear_networks_workflow import config as configuration

# 30 samples, of which no column can be told from another but by its numbers.
A, B = np.random.default_rng(6).standard_normal((2, 30)).round(3)
COLOURS = ["red", "green", "blue"] * 10
PLAIN = pd.DataFrame({"a": A, "b": B, "colour": COLOURS})


def test_classes_and_values_are_told_apart_by_the_type_or_by_the_key(tmp_path):
    frame = pd.DataFrame({"x": [1.0, 2.0, 4.0], "y": [0.5, 1.5, 2.5], "label": [7, 3, 7]})
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    assert_array_equal(table(path, "label").parameters["features"], frame[["x", "y"]])
    assert_array_equal(table(path, "label").parameters["targets"], [[0, 1], [1, 0], [0, 1]])
    assert "2 classes of 'label': 3, 7" in table(path, "label").note
    assert_array_equal(table(path, "label", target_kind="real").parameters["targets"], frame[["label"]])
    assert_array_equal(table(path, "y").parameters["targets"], frame[["y"]])
    assert_array_equal(table(path, "y", target_kind="classes").parameters["targets"], np.eye(3))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"x": [1.0], "z": [2.0]}, "matrix.target: t.csv: no column 'y'; there is x, z"),
        ({"x": ["red"], "y": [2.0]}, "matrix.path: t.csv: row 1, column 'x': 'red' is not a finite number"),
        ({"x": [1.0, None], "y": [2.0, 1.0]}, "row 2, column 'x': no value"),
        ({"x": [1.0, 2.0], "y": ["a", None]}, "column 'y', row 2: no value"),
        ({"x": [1.0, 2.0], "y": ["a", "NA"]}, "column 'y', row 2: no value"),
        ({"x": [1.0, 2.0, 0.5], "y": ["3.2", "x", "1.2"]}, "column 'y', row 2: 'x' stands among numbers; mend it, or"),
        ({"y": [1.0, 2.0]}, "holds no column beside the target 'y'"),
        ({"x": [1.0, 2.0, 0.5], "y": [2.5, 2.5, 2.5]}, "matrix.target: t.csv: the target does not vary"),
        ({"x": [1.0, 2.0, 0.5], "y": [0.3, 0.3, 0.1 + 0.2]}, "matrix.target: t.csv: the target does not vary"),
        ({"x": [1.0, 2.0, 0.5], "y": ["a", "a", "a"]}, "matrix.target: t.csv: the target does not vary"),
        ({"x": [2.0, 2.0], "y": ["a", "b"]}, "matrix.path: t.csv: no feature varies"),
        ({"x": [1.1, 1.1, 2.1, 2.1], "y": list("abab")}, "matrix.target: t.csv: no feature correlates with the target"),
        ({"x": [1.0, 2.0, 0.5], "y": [1e-70, 2e-70, 3e-70]}, "matrix.target: t.csv: the largest number of Y is"),
        ({f"x{place}": [1.0, 2.0] for place in range(500)}, "x7, … (500 in all)"),
        ({"a\nb" * 50: [1.0, 2.0]}, "there is a\\nba\\nba"),
    ],
)
def test_a_bad_table_is_refused_with_its_place(tmp_path, frame, message):
    pd.DataFrame(frame).to_csv(tmp_path / "t.csv", index=False)
    assert message in refusal(table, tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        (["1,3", "0,5"], "is no number; write decimals with a point"),
        (["low", "-2,5e-3"], "is no number; write decimals with a point"),
        (["5%", "7 %"], "is no number; write digits and a decimal point alone"),
        (["$5", "-$7"], "is no number; write digits and a decimal point alone"),
        (["5 €", "7.50€"], "is no number; write digits and a decimal point alone"),
        (["1,234.5", "1,000,000"], "is no number; write digits and a decimal point alone"),
        (["1 234", "1'000"], "is no number; write digits and a decimal point alone"),
        (["2020-01-31", "2020-02-01"], "is no number; write dates and times as numbers in a unit"),
        (["31.1.2020", "1/2/20"], "is no number; write dates and times as numbers in a unit"),
        (["2020-01-31T12:30:00Z", "2020-02-01 12:30"], "is no number; write dates and times as numbers in a unit"),
        (["31-Jan-20", "Feb 1, 2020"], "is no number; write dates and times as numbers in a unit"),
        (["12:30", "1:05 pm"], "is no number; write dates and times as numbers in a unit"),
    ],
)
def test_text_that_is_meant_as_numbers_is_no_class_unless_the_config_says_so(tmp_path, cells, fault):
    path = tmp_path / "t.csv"
    for target in (cells, cells[::-1]):
        pd.DataFrame({"x": A, "y": target * 15}).to_csv(path, index=False, sep=";")
        line = refusal(table, path)
        assert line.startswith("matrix.path: t.csv: column 'y', row ")
        assert f"{fault}, or write target_kind: classes if all are labels" in line
        assert "2 classes of 'y'" in table(path, target_kind="classes").note
    pd.DataFrame({"x": cells[1:] * 30, "y": A}).to_csv(path, index=False, sep=";")
    assert f"is not a finite number; {fault.partition('; ')[2]}" in refusal(table, path)


@pytest.mark.parametrize(
    "cells",
    [
        ["18-24", "25-34"],
        ["<=50K", ">50K"],
        ["1st", "2nd"],
        ["+", "-"],
        ["May", "June"],
        ["b-1", "b-2"],
        ["none", "mild"],
        ["½", "10.0.0.1"],
    ],
)
def test_labels_with_digits_and_signs_are_classes(tmp_path, cells):
    pd.DataFrame({"x": A, "y": cells * 15}).to_csv(tmp_path / "t.csv", index=False)
    assert "2 classes of 'y'" in table(tmp_path / "t.csv").note


def test_of_numbers_in_text_whole_ones_are_classes_and_others_need_a_word(tmp_path):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"x": A, "y": ["0", "1", "2"] * 10}).to_parquet(path)
    assert "3 classes of 'y'" in table(path).note
    pd.DataFrame({"x": A, "y": list(map(str, B))}).to_parquet(path)
    assert "is a number in text; write target_kind: real if all are values" in refusal(table, path)
    assert_array_equal(table(path, target_kind="real").parameters["targets"], B[:, None])


@pytest.mark.parametrize("cell", ["?", "None", "."])
def test_what_may_be_no_value_is_a_class_if_the_config_says_so(tmp_path, cell):
    pd.DataFrame({"x": A, "y": ["a", cell, "b"] * 10}).to_csv(tmp_path / "t.csv", index=False)
    message = f"column 'y', row 2: no value ({cell!r}); fill it in, drop the row, or write target_kind: classes"
    assert message in refusal(table, tmp_path / "t.csv")
    assert "3 classes of 'y'" in table(tmp_path / "t.csv", target_kind="classes").note


@pytest.mark.parametrize("cell", ["", "  ", "NA", "#N/A", "<NA>", "n/a", "nan", "null", "NaT", None])
def test_what_is_no_value_is_never_a_class(tmp_path, cell):
    frame = pd.DataFrame({"x": A, "y": ["a", cell, "b"] * 10})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    for ending in ("csv", "parquet"):
        for kind in (None, "classes", "real"):
            line = refusal(table, tmp_path / f"t.{ending}", target_kind=kind)
            assert f"t.{ending}: column 'y', row 2: no value; fill it in or drop the row" in line


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC])
def test_blanks_around_cells_and_headings_are_no_part_of_them(tmp_path, quoting):
    frame = pd.DataFrame({" x ": A, "y ": ["cat", "cat ", " dog"] * 10})
    frame.to_csv(tmp_path / "t.csv", index=False, quoting=quoting)
    frame.to_parquet(tmp_path / "t.parquet")
    frame.astype({"y ": "category"}).to_parquet(tmp_path / "c.parquet")
    for name in ("t.csv", "t.parquet", "c.parquet"):
        assert table(tmp_path / name).note.startswith(f"{name}: 30 samples, 2 classes of 'y': cat, dog")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,y\n0,0.1,1.2,0.5\n1,0.9,0.9,1.5\n", "line 1 has 3 headings, and the row below it 4 fields"),
        ("a,b,y\n0.1,0.5\n0.9,1.5\n", "line 1 has 3 headings, and the row below it 2 fields"),
        ("a,b,y\n0.1,1.2,0.5\n0.1,0.9,0.9,1.5\n", "line 3 has 4 fields, those before it have 3"),
        ("a,y,y\n0.1,1.2,0\n0.9,0.9,1\n", "2 columns have the heading 'y'"),
        (",a,y\n0,0.1,0.5\n1,0.9,1.5\n", "column 1 has no heading"),
        ("Unnamed: 0,a,y\n0,0.1,0.5\n1,0.9,1.5\n", "column 1 has no heading"),
        ("a,y,\n0.1,0.5,\n0.9,1.5,\n", "column 3 has no heading"),
        ("0.1,0.5\n0.9,1.5\n", "line 1 holds numbers (0.1, 0.5), and a table has headings"),
        ("a|y\n1|2\n", "no column 'y'; there is a|y (columns are separated by nothing)"),
        ('a,"y\n', "is a quote not closed?"),
        ("a,y\n", "holds no rows"),
    ],
)
def test_headings_that_do_not_fit_are_refused(tmp_path, text, message):
    assert message in refusal(table, written(tmp_path / "t.csv", text))


def test_headings_may_hold_separators_quotes_and_breaks(tmp_path):
    frame = PLAIN.rename(columns={"a": "a; of\nmine", "b": 'b, "so called"'})
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert_array_equal(table(tmp_path / "t.csv", "colour").parameters["features"], PLAIN[["a", "b"]])


@pytest.mark.parametrize(
    ("target", "doubt"),
    [
        (1000 + 37 * np.arange(30), "30 different values in 30 samples, and counts as classes, since they are whole"),
        (np.arange(60) % 25, "25 different values in 60 samples, and counts as classes, since they are whole numbers"),
        ([0.0, 1.0] * 15, "2 different values, all whole, and counts as real"),
        ([f"sample {place}" for place in range(30)], "since they are text; write target_kind: classes"),
        ([0, 1] * 15, None),
        (COLOURS, None),
        (A, None),
        ([True, False] * 15, None),
    ],
)
def test_a_doubtful_kind_of_target_is_warned_of_until_the_config_says_it(tmp_path, target, doubt):
    features = np.random.default_rng(7).standard_normal(len(target))
    pd.DataFrame({"x": features, "y": target}).to_csv(tmp_path / "t.csv", index=False)
    block = {"source": "table", "path": "t.csv", "target": "y"}
    found = configuration.prepare(small_config(matrix=block), tmp_path / "config.yaml")
    assert len(found) == (doubt is not None)
    for line in found:
        assert line.startswith("experiments.small.matrix.target_kind: t.csv: 'y' has ")
        assert doubt in line
    assert (
        configuration.prepare(small_config(matrix={**block, "target_kind": "classes"}), tmp_path / "config.yaml") == []
    )


def test_a_feature_that_numbers_the_samples_is_warned_of(tmp_path):
    PLAIN.reset_index(names="id").to_csv(tmp_path / "t.csv", index=False)
    ((key, doubt),) = table(tmp_path / "t.csv", "colour").doubts
    assert key == "path"
    assert "column 'id' numbers the rows from 0 on, and counts as a feature" in doubt


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_target_may_be_named_by_a_number(tmp_path, ending):
    frame = pd.DataFrame(np.column_stack([A, B]))
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    assert_array_equal(table(tmp_path / f"t{ending}", "1").parameters["targets"], B[:, None])


def test_the_rank_does_not_depend_on_units(tmp_path):
    PLAIN.to_csv(tmp_path / "t.csv", index=False)
    expected = spectrum(tmp_path / "t.csv", "colour")
    for unit in (1e-300, 1e-21, 1e-9, 1e9, 1e40):
        PLAIN.assign(a=unit * A).to_csv(tmp_path / "t.csv", index=False)
        assert_allclose(spectrum(tmp_path / "t.csv", "colour"), expected, rtol=0, atol=1e-9)


def test_an_index_of_pandas_is_neither_lost_nor_taken_for_a_feature(tmp_path):
    path = tmp_path / "t.parquet"
    PLAIN.set_index("a").to_parquet(path)
    assert "is 'a' a column? pandas wrote it as its index" in refusal(table, path, "colour")
    PLAIN.sample(frac=1.0, random_state=0).to_parquet(path)
    assert table(path, "colour").parameters["features"].shape == (30, 2)
    PLAIN.rename(columns={"b": "Unnamed: 0"}).to_parquet(path)
    assert "column 2 has no heading" in refusal(table, path, "colour")


@pytest.mark.parametrize("level", [0, 1, 12])
def test_an_index_that_became_a_column_is_refused(tmp_path, level):
    frame = PLAIN.assign(**{f"__index_level_{level}__": B})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.drop(columns="colour").to_parquet(tmp_path / "y.parquet")
    message = f"is '__index_level_{level}__', as pandas calls an index; if it is an index or names of rows, leave it"
    assert f"column 4 {message}" in refusal(table, tmp_path / "t.parquet", "colour")
    assert f"column 4 {message}" in refusal(table, tmp_path / "t.csv", "colour")
    assert f"column 3 {message}" in refusal(matrix, tmp_path / "y.parquet")


def test_headings_of_several_levels_are_those_that_the_file_has(tmp_path):
    path = tmp_path / "t.parquet"
    frame = PLAIN.set_axis(pd.MultiIndex.from_tuples([("a", "mean"), ("b", "mean"), ("colour", "")]), axis=1)
    frame.to_parquet(path)
    assert "no column 'colour'; there is" in refusal(table, path, "colour")
    assert_array_equal(table(path, "('colour', '')").parameters["features"], PLAIN[["a", "b"]])
    frame[["a", "b"]].to_parquet(path)
    assert_array_equal(matrix(path), PLAIN[["a", "b"]])


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pd.date_range("2020", periods=30), "timestamp"),
        (pd.to_timedelta(np.arange(30), unit="h"), "duration"),
        ([[1, 2]] * 30, "list"),
        ([b"a", b"b"] * 15, "binary"),
    ],
)
def test_types_that_are_no_numbers_are_refused(tmp_path, column, kind):
    for name in ("x", "colour"):
        PLAIN.assign(**{name: column}).to_parquet(tmp_path / "t.parquet")
        line = refusal(table, tmp_path / "t.parquet", "colour")
        assert f"column '{name}' holds {kind}" in line


def test_decimals_of_parquet_are_numbers_and_categories_are_classes(tmp_path):
    exact = pa.array(A).cast(pa.decimal128(12, 3))
    pq.write_table(pa.table({"x": pa.array(B), "y": exact}), tmp_path / "t.parquet")
    assert_array_equal(table(tmp_path / "t.parquet").parameters["targets"], A[:, None])
    pq.write_table(pa.table({"x": exact, "y": COLOURS}), tmp_path / "t.parquet")
    assert_array_equal(table(tmp_path / "t.parquet").parameters["features"], A[:, None])
    PLAIN.astype({"colour": "category"}).to_parquet(tmp_path / "t.parquet")
    assert "3 classes of 'colour': blue, green, red" in table(tmp_path / "t.parquet", "colour").note


def test_missing_values_of_every_type_are_refused(tmp_path):
    for dtype in ("Int64", "Float64", "boolean", "string"):
        column = pd.Series([1, 0, None] * 10, dtype="Int64").astype(dtype)
        for name, message in (("colour", "column 'colour', row 3: no value"), ("a", "row 3, column 'a': no value")):
            PLAIN.assign(**{name: column}).to_parquet(tmp_path / "t.parquet")
            assert message in refusal(table, tmp_path / "t.parquet", "colour")


def test_classes_that_no_memory_holds_are_refused(tmp_path):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"x": np.random.default_rng(8).standard_normal(60_000), "y": np.arange(60_000)}).to_parquet(path)
    assert "60000 classes of 60000 samples are more than can be computed with; write target_kind: real" in refusal(
        table, path
    )
    assert table(path, target_kind="real").parameters["targets"].shape == (60_000, 1)
