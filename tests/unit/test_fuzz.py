"""Configs and input files with faults in them: each is refused in one line, or runs to the end."""

import pytest
from faulty_files import damaged_file
from fuzzing import FILES, faulty, outcome, streams, tally

# What overflows on its way to an outcome is said in the log.
pytestmark = [pytest.mark.drawn, pytest.mark.filterwarnings("ignore")]

PARTS = range(4)


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("part", PARTS)
def test_a_config_with_faults_is_refused_in_one_line_or_runs_to_the_end(part, folder):
    found = tally(map(faulty, streams(part, 12, 520)), lambda config: outcome(config, folder))
    assert found["refused"]
    # Of a few, all may be refused.
    assert found["ran"] or sum(found.values()) < 100


@pytest.mark.parametrize("part", PARTS)
def test_a_file_with_faults_is_refused_in_one_line_or_runs_to_the_end(part, folder):
    cases = (damaged_file(rng, folder / f"{number}") for number, rng in enumerate(streams(part, 10, 120)))
    assert tally(cases, lambda config: outcome(config, folder))["refused"]
