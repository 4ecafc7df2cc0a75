import pytest
from conftest import PROJECT

from linear_networks_workflow.dataset import columns, parquet


@pytest.mark.parametrize("stage", parquet.SCHEMAS)
def test_every_column_of_a_schema_has_a_meaning_and_nothing_else_has(stage):
    assert set(columns.MEANINGS[stage]) == set(parquet.SCHEMAS[stage].names)


@pytest.mark.parametrize("stage", columns.FILES)
def test_the_dataset_guide_has_the_table_of_every_stage(stage):
    table = columns.markdown(stage)
    assert table in (PROJECT / "docs" / "dataset.md").read_text(), "run `make reference`"


def test_every_column_has_a_known_unit_and_is_one_cell_of_a_table():
    for meanings in columns.MEANINGS.values():
        for column in meanings.values():
            assert column.unit in ("", "1", "time", "1/time", "s")
            assert not set(column.meaning) & set("|\n")
