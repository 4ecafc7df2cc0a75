import os

from experiments.summary import summarize


def test_jobs_since_a_time_are_counted_with_their_seconds(tmp_path):
    for name, seconds, ended in (("simulate/a", 3.0, 200), ("draw_figure/b", 1.5, 210), ("simulate/old", 99.0, 50)):
        path = tmp_path / f"{name}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"s\th:m:s\n{seconds}\t0:00:03\n")
        os.utime(path, (ended, ended))
    line = summarize(100, tmp_path)
    assert line.startswith("2 jobs took 4 s of computing")
    assert line.endswith("the longest, simulate a, 3 s")
    assert summarize(300, tmp_path) == "no result was written"
