import logging
import time

import pytest

from linear_networks_workflow import logs
from linear_networks_workflow.summary import summarize


@pytest.fixture(autouse=True)
def logging_of_its_own():
    handlers = logging.getLogger().handlers[:]
    yield
    logging.captureWarnings(False)
    logging.getLogger().handlers[:] = handlers


def write(path, work, start):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"2021-01-01 INFO {logs.DONE.format(work=work, start=start)}\n")


def test_a_run_is_summed_up_by_what_its_time_went_to(tmp_path):
    since = time.time() - 10.0
    write(tmp_path / "simulate" / "one" / "linear" / "00000.log", 12.5, 0.5)
    write(tmp_path / "draw_figure" / "one.log", 3.0, 1.25)
    (tmp_path / "draw_figure" / "failed.log").write_text("2021-01-01 ERROR no\n")
    line = summarize(since, 2, tmp_path)
    assert "2 jobs in 10 s on 2 cores: 12 s of numerics, 3 s of figures, 2 s of starting Python" in line
    assert "3 s of Snakemake and waiting; 1.29 times the first two" in line
    assert "simulate one linear 00000, took 12 s" in line
    assert summarize(time.time() + 10.0, 2, tmp_path) == "no result was written"


def test_a_job_logs_the_time_that_it_took(tmp_path):
    path = tmp_path / "job.log"
    began = time.perf_counter()
    with logs.to(str(path)):
        time.sleep(0.05)
    taken = logs.times(path)
    assert 0.05 <= taken.work <= time.perf_counter() - began + 0.01
    assert taken.start > 0.0


def test_a_job_that_failed_has_no_time(tmp_path):
    path = tmp_path / "job.log"
    with pytest.raises(SystemExit), logs.to(str(path)):
        raise ZeroDivisionError
    assert logs.times(path) is None
