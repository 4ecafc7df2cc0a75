"""Columns of parameters: those that the declarations ask for."""

import pyarrow as pa
import pytest
from declared import example

from linear_networks.components import Component, Parameter
from linear_networks_workflow import keys
from linear_networks_workflow.dataset import parameters, parquet
from linear_networks_workflow.dataset.parameters import PARAMETERS, VECTOR, WORD


def columns_with(monkeypatch, **declared):
    """The columns that there are once a source of matrices has some parameters."""
    source = type("Source", (Component,), {"name": "new", "label": "new", "parameters": declared})
    room = keys.ROOMS["matrix"]
    monkeypatch.setitem(keys.ROOMS, "matrix", room._replace(components={**room.components, "new": source}))
    return parameters.columns()


def test_a_parameter_has_a_column_by_being_declared(monkeypatch):
    found = columns_with(monkeypatch, order=Parameter("order of Y", int), decay=Parameter("decay", unit="1/time"))
    assert found["order"] == (("matrix", "order"), pa.int32(), "1", "order of Y")
    assert found["decay"] == (("matrix", "decay"), pa.float64(), "1/time", "decay")
    assert [name for name in found if name in PARAMETERS] == list(PARAMETERS)


def test_a_parameter_that_may_be_a_list_of_numbers_has_a_column_for_each(monkeypatch):
    found = columns_with(monkeypatch, gain=Parameter("gain", vector=None, column="amplification"))
    assert (found["amplification"].type, found["amplification_vector"].type) == (pa.float64(), VECTOR)
    assert found["amplification"].meaning == "gain; in the config `gain`"
    point = {"matrix": {"gain": [1.0, 2.0]}}
    assert found["amplification"].value(point) is None
    assert found["amplification_vector"].value(point) == [1.0, 2.0]
    assert found["amplification"].value({"matrix": {"gain": 1.0}}) == 1.0
    assert found["amplification_vector"].value({"matrix": {"gain": 1.0}}) is None


def test_one_meaning_is_said_once_and_several_with_the_components_that_have_them(monkeypatch):
    assert PARAMETERS["rows"].meaning == keys.ROOMS["matrix"].components["gaussian"].parameters["rows"].meaning
    found = columns_with(monkeypatch, noise=Parameter("another noise"))
    assert found["noise"].meaning == f"of `teacher`: {PARAMETERS['noise'].meaning}; of `new`: another noise"


@pytest.mark.parametrize(
    "parameter", [Parameter("as a whole number", int), Parameter("in time", unit="time"), Parameter("text", str)]
)
def test_two_parameters_of_one_column_have_one_type_and_unit(monkeypatch, parameter):
    with pytest.raises(TypeError, match="new: the column 'noise' is that of matrix.noise"):
        columns_with(monkeypatch, noise=parameter)


def test_two_paths_do_not_share_a_column(monkeypatch):
    with pytest.raises(TypeError, match="the column 'scale' is that of matrix.scale"):
        columns_with(monkeypatch, scale=Parameter("scale"))


def test_a_word_instead_of_a_number_says_that_the_number_is_still_to_be_found():
    words = [name for name, column in PARAMETERS.items() if column.type == WORD]
    for name, column in PARAMETERS.items():
        point = "fit"
        for key in reversed(column.path):
            point = {key: point}
        assert column.value(point) == ("fit" if name in words else None)


@pytest.mark.parametrize(
    ("room", "component"), [(room, one) for room, (*_, listed, _) in keys.ROOMS.items() for one in listed.values()]
)
def test_a_row_holds_every_parameter_of_a_component(room, component):
    block = {name: example(parameter) for name, parameter in component.parameters.items()}
    row = parquet.parameters({room: {keys.ROOMS[room].key: component.name, **block}})
    for name, parameter in component.parameters.items():
        assert row[parameter.column or name] == block[name]
    assert sum(value is not None for value in row.values()) == len(block) + (keys.ROOMS[room].column is not None)
    stored = parquet.table([row], parquet.RUNS).to_pylist()[0]
    assert {name: stored[name] for name in row} == row


def test_a_file_from_before_a_parameter_was_declared_is_completed_by_nulls():
    whole = parquet.table([{"run": "a", "scale": 1.0}], parquet.RUNS)
    assert parquet.complete(whole.drop(["noise"]), parquet.RUNS) == whole
    for other in (whole.drop(["outcome"]), whole.append_column("more", pa.array([1]))):
        with pytest.raises(KeyError):
            parquet.complete(other, parquet.RUNS)


@pytest.mark.parametrize("name", ["rank", "seconds", "outcome", "run", "replicate"])
def test_a_parameter_with_a_column_of_the_results_is_refused(name):
    with pytest.raises(TypeError, match=f"column '{name}' of a parameter is one of the results"):
        parquet.check_columns([*PARAMETERS, name])
