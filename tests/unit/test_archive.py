import os
import zipfile

import yaml
from conftest import PROJECT

from experiments import archive, citation, datasets


def test_the_same_content_gives_the_same_bytes_whenever_and_by_whomever_it_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.parquet").write_bytes(b"numbers")
    archive.write("one.zip", ["a.parquet"], {"README.md": "read me", "config.yaml": "seed: 1"})
    os.utime("a.parquet", (1e9, 1e9))
    (tmp_path / "a.parquet").chmod(0o600)
    archive.write("other.zip", ["a.parquet"], {"config.yaml": "seed: 1", "README.md": "read me"})
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()
    with zipfile.ZipFile("one.zip") as found:
        assert {entry.filename: found.read(entry) for entry in found.infolist()} == {
            "dataset/README.md": b"read me",
            "dataset/config.yaml": b"seed: 1",
            "dataset/a.parquet": b"numbers",
        }


def test_the_header_of_the_readme_names_the_parts_that_are_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "results" / "runs" / "small" / "linear" / "00000.parquet"
    file.parent.mkdir(parents=True)
    datasets.write(datasets.table([{"run": "a"}], datasets.RUNS), str(file), {})
    text = archive.readme([os.path.relpath(file)], citation.read(PROJECT / "CITATION.cff"))
    header = yaml.safe_load(text.split("---\n")[1])
    assert header["license"] == "cc-by-4.0"
    assert header["configs"] == [{"config_name": "runs", "data_files": "results/runs/*/*/*.parquet"}]
    assert [*tmp_path.glob(header["configs"][0]["data_files"])] == [file]
    assert "| `small` | 1 | 0 |" in text
