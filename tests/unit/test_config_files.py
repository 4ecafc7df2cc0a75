"""The files of a config: what YAML would read as something else, and in which of several files an error is."""

import copy
import json
import os
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from conftest import PROJECT, small_config, write_yaml

from linear_networks_workflow import config as configuration
from linear_networks_workflow.config import parts
from linear_networks_workflow.config.reading import read
from linear_networks_workflow.errors import ConfigError

STUDIES = sorted((PROJECT / "studies").glob("*.yaml"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"seed: 1\nfigures: {}\nseed: 2\n", "line 3, column 1: the key 'seed' stands in line 1 already"),
        (b"a: {b: 1, c: 2, b: 3}\n", "line 1, column 17: the key 'b' stands in line 1 already"),
        (b'{"a": {"b": 1,\t"b": 2}}', "the key 'b' stands twice in one block"),
        (b"a:\n- width: 010\n", "line 2, column 10: YAML reads 010 as a number to base 8"),
        (b"a: -1:30\n", "line 1, column 4: YAML reads -1:30 as a number to base 60"),
        (b"a: 1:30.5\n", "line 1, column 4: YAML reads 1:30.5 as a number to base 60"),
        (b"010: 1\n", "line 1, column 1: YAML reads 010 as a number to base 8"),
        (b"a: 1" + 5000 * b"0", "line 1, column 4: '1000"),
        (b"a: 2021-13-45\n", "line 1, column 4: '2021-13-45' is no timestamp"),
        (b"a: !mine 3\n", "line 1, column 4: could not determine a constructor for the tag '!mine'"),
        (b"a: !!python/object/apply:os.getcwd []\n", "line 1, column 4: could not determine a constructor for the tag"),
        (b"a: 1\nb: [1, 2\nc: 3\n", "line 3, column 2: no YAML: while parsing a flow sequence"),
        (b'a: 1\nb: "c\n', "line 3, column 1: no YAML: while scanning a quoted scalar"),
        (b"a: 1\n\tb: 2\n", "line 2, column 1: no YAML: "),
        (b"a: *b\n", "line 1, column 4: no YAML: found undefined alias"),
        (b"a: 1\n---\na: 2\n", "line 2, column 1: no YAML: expected a single document"),
        (b"a: \x01\n", "no YAML: "),
        (b"a: caf\xe9\n", "byte 7 is not UTF-8"),
        ("a: 1\n".encode("utf-16"), "byte 1 is not UTF-8"),
        (b"", "holds no keys"),
        (b"- a: 1\n", "holds no keys"),
    ],
)
def test_a_file_that_holds_something_else_than_it_seems_is_refused_with_the_place(tmp_path, content, message):
    file = tmp_path / "my.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as refusal:
        read(file)
    assert str(refusal.value).startswith(f"{os.path.relpath(file)}: {message}")
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 400


def test_a_file_that_is_not_there_or_a_folder_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"no\.yaml: no such file"):
        read(tmp_path / "no.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_the_config_of_the_working_directory_is_the_default_and_is_never_passed_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert configuration.default(Path(), PROJECT) == PROJECT / "config.yaml"
    own = tmp_path / "config.yaml"
    own.write_text("experiments: {}\n")
    assert configuration.default(Path(), PROJECT).absolute() == own
    own.unlink()
    own.symlink_to("gone.yaml")
    with pytest.raises(ConfigError, match=r"^config\.yaml: no such file"):
        configuration.default(Path(), PROJECT)


def test_a_pipe_that_snakemake_has_read_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (part,) = parts.of([tmp_path / "pipe"], {})
    assert part.values == {}


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfa: 1\n",
        b"a: &b {c: 0, d: [0.10, 1_000]}\ne: {<<: *b, c: 3}\n",
        b"a: 07:x\nb: '010'\nc: {b: 1}\nd: {b: 1}\n",
        b'{"a": 1e-3,\n\t"b": {"a": [true, null]}}',
        "a: σ\n".encode(),
    ],
)
def test_a_file_that_holds_what_it_seems_is_read_as_snakemake_reads_it(tmp_path, content):
    from snakemake.common.configfile import load_configfile

    file = tmp_path / "my.yaml"
    file.write_bytes(content)
    assert read(file) == load_configfile(file)


def test_the_shipped_config_and_every_config_of_the_project_are_read():
    files = [PROJECT / "config.yaml", *STUDIES, *(PROJECT / "benchmarks").glob("*.yaml")]
    for file in files:
        assert read(file) == yaml.safe_load(file.read_text())


@pytest.mark.parametrize("study", STUDIES, ids=[study.stem for study in STUDIES])
def test_a_study_is_valid_and_its_schema_is_found_by_editors(study):
    first, *_ = study.read_text().splitlines()
    (named,) = re.findall(r"^# yaml-language-server: \$schema=(.*)", first)
    schema = jsonschema.Draft202012Validator(json.loads((study.parent / named).read_text()))
    assert list(schema.iter_errors(yaml.safe_load(study.read_text()))) == []
    assert configuration.prepare(yaml.safe_load(study.read_text()), study) == []


@pytest.fixture
def two_files(tmp_path):
    """The files of a config, in two folders, of which the second changes the first."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    (tmp_path / "a" / "y.csv").write_text("1,2\n3,4\n")
    (tmp_path / "b" / "y.csv").write_text("1,2,3\n4,5,6\n")
    config = small_config(matrix={"source": "file", "path": "y.csv"})
    for name in ("other", "third"):
        config["experiments"][name] = copy.deepcopy(config["experiments"]["small"])
    # Written with an alias: one block in two places.
    matrix = [{"source": "file", "path": ["y.csv", str(tmp_path / "a" / "y.csv")]}]
    change = {"experiments": {"small": {"matrix": matrix}, "third": {"matrix": matrix}, "other": {"width": 5}}}
    change["figures"] = {"panels": {"where": {"path": "y.csv"}}}
    return write_yaml(config, tmp_path / "a" / "base.yaml"), write_yaml(change, tmp_path / "b" / "change.yaml")


def load(*files, given=None):
    """The config of files and of what is given beside them, as the workflow prepares it."""
    config = {}
    for file in files:
        parts.merge(config, read(file))
    configuration.load(config, files[0], files, given or {})
    return config


def test_relative_paths_of_several_files_start_at_the_file_that_they_stand_in(two_files, tmp_path):
    config = load(*two_files)
    experiments = config["experiments"]
    assert config["figures"]["panels"]["where"] == {"path": "../b/y.csv"}
    assert experiments["other"]["matrix"]["path"] == "y.csv"
    assert experiments["other"]["width"] == 5
    for name in ("small", "third"):
        assert experiments[name]["matrix"][0]["path"] == ["../b/y.csv", str(tmp_path / "a" / "y.csv")]


def test_the_paths_of_one_file_stay_as_they_are(two_files):
    assert load(two_files[0])["experiments"]["small"]["matrix"]["path"] == "y.csv"


def test_what_is_given_beside_files_starts_at_the_working_directory(two_files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {"experiments": {"small": {"matrix": {"path": "b/y.csv"}}}}
    assert load(two_files[0], given=given)["experiments"]["small"]["matrix"]["path"] == "../b/y.csv"


@pytest.mark.parametrize(
    ("changes", "given", "name"),
    [
        ({"experiments": {"other": {"wdith": 3}}}, {}, "change.yaml"),
        ({"experiments": {"other": {"width": 0}}}, {}, "change.yaml"),
        ({"experiments": {"small": {"initialization": {"scale": [1.0, "1e-3"]}}}}, {}, "change.yaml"),
        ({"experiments": {"other": {"matrix": {"path": "no.csv"}}}}, {}, "change.yaml"),
        ({"experiments": {"new": {"width": 3}}}, {}, "change.yaml"),
        ({"seed": 3}, {"experiments": {"other": {"width": "0"}}}, "config"),
        ({"seed": 3}, {"seed": "text"}, "config"),
    ],
)
def test_an_error_names_the_file_that_it_is_in(two_files, tmp_path, changes, given, name):
    change = write_yaml(changes, tmp_path / "b" / "change.yaml")
    with pytest.raises(ConfigError) as refusal:
        load(two_files[0], change, given=given)
    assert Path(str(refusal.value).partition(": ")[0]).name == name


def test_an_error_of_the_first_of_two_files_names_the_first(two_files, tmp_path):
    base = yaml.safe_load(two_files[0].read_text())
    base["experiments"]["other"]["solver"]["step_size"] = -1
    write_yaml(base, two_files[0])
    with pytest.raises(ConfigError, match=r"a/base\.yaml: experiments\.other\.solver\.step_size: -1 is not"):
        load(*two_files)


def test_values_below_the_first_level_of_the_command_line_are_read_as_those_of_the_first():
    from snakemake.cli import parse_config

    given = parse_config(
        ["seed=3", "experiments={e: {width: [3, 10], horizon: 1e-3, tied: True, kind: flow, rows: 07}}"]
    )
    expected = {"width": [3, 10], "horizon": 1e-3, "tied": True, "kind": "flow", "rows": 7}
    assert parts.typed(given) == {"seed": 3, "experiments": {"e": expected}}


def test_what_a_dict_holds_stays_as_it_is_on_the_way_through_the_command_line():
    from snakemake.cli import parse_config

    config = {"seed": 3, "experiments": {"e": {"width": [1], "step_size": 1e-5, "tied": True, "path": "a b.csv"}}}
    assert parts.typed(config) == config
    assert parts.typed(parse_config([f"{key}={configuration.text(value)}" for key, value in config.items()])) == config


def test_every_page_that_shows_a_config_shows_one_that_is_read(tmp_path):
    for page in (PROJECT / "docs").glob("*.md"):
        for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.M | re.S)):
            file = tmp_path / f"{page.stem}-{number}.yaml"
            file.write_text(block)
            assert read(file) == yaml.safe_load(block)
