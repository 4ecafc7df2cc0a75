"""What readers and editors see of the declarations: the JSON schema of a config, and its page; `make reference`."""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from linear_networks.components import REQUIRED, Component, Parameter
from linear_networks_workflow import keys
from linear_networks_workflow.config.models import Config, Experiment
from linear_networks_workflow.config.values import allowed
from linear_networks_workflow.dataset import columns
from linear_networks_workflow.figures import KINDS

INTRODUCTION = """# Every key of the config

An unknown or misplaced key, a wrong value or a combination that cannot work is refused before any job. Where *list*
says *axis*, a list of values is an axis of the grid; where it says *vector*, one value is a list of numbers, and a list
of such lists is the axis. Of `matrix`, `initialization` and `solver` a list of blocks is an axis too. This page and the
JSON schema for editors, `workflow/schemas/config.schema.json`, are made from what the components of the workflow
declare, by `make reference`.
"""

HEADING = "| key | value | list | default | unit | meaning |\n| --- | --- | --- | --- | --- | --- |"


class _Plain(GenerateJsonSchema):
    """JSON schema without titles, which would repeat the keys, and without defaults that are none."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: Any) -> dict[str, Any]:
        found = super().default_schema(schema)
        return {key: value for key, value in found.items() if (key, value) != ("default", None)}


def json_schema() -> str:
    """JSON schema of a config, for editors."""
    schema = {"$schema": GenerateJsonSchema.schema_dialect, **Config.model_json_schema(schema_generator=_Plain)}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def page() -> str:
    """The page of every key, in Markdown."""
    return "\n".join([INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    yield "## The config\n"
    yield _table(keys.SETTINGS)
    yield "| `experiments` | blocks by name | | required | | what is run |"
    yield "| `figures` | blocks by name | | none | | what is drawn |\n"
    yield "## An experiment\n"
    yield HEADING
    for name, room in keys.ROOMS.items():
        listed = "of blocks or names" if name == "dynamics" else "axis"
        default = "required" if Experiment.model_fields[name].is_required() else "none"
        yield f"| [`{name}`](#{name}) | block | {listed} | {default} | | {room.meaning} |"
    yield _row("width", keys.WIDTH)
    yield "| [`time`](#time) | block | | required | | when the runs are observed; t = 0 always is |"
    yield _row("replicates", keys.REPLICATES)
    yield _row("trajectories", keys.TRAJECTORIES)
    for word, meaning in keys.RECORD.items():
        yield f"| `record` | `{word}` | of both | none | | store also {meaning} |"
    yield _row("runs_per_job", keys.SETTINGS["runs_per_job"]) + "\n"
    for name, room in keys.ROOMS.items():
        yield from _room(name, room.key, room.meaning, room.components)
    yield "## `time` { #time }\n"
    yield _table(keys.TIME) + "\n"
    yield from _room("figures", "kind", "what a figure shows", KINDS)
    yield "## All figures\n"
    yield HEADING
    yield "| `experiment` | name of an experiment | of names, for some kinds | required | | what is drawn |"
    yield "| `where` | values by axis | | none | | value at which another axis of the experiment is held |"


def _room(name: str, key: str, meaning: str, components: Mapping[str, type[Component]]) -> Iterator[str]:
    yield f"## `{name}` {{ #{name} }}\n"
    yield f"`{key}` names it: {meaning}.\n"
    for component in components.values():
        yield f"### `{key}: {component.name}`\n"
        yield _said(component) + "\n"
        if component.parameters:
            yield _table(component.parameters) + "\n"


def _said(component: type[Component]) -> str:
    """What a component says of itself, without what its docstring says of arguments in Python."""
    paragraphs = inspect.cleandoc(component.__doc__ or "").split("\n\n")
    return "\n\n".join(takewhile(lambda paragraph: "\n----" not in paragraph, paragraphs))


def _table(parameters: Mapping[str, Parameter]) -> str:
    return "\n".join([HEADING, *(_row(name, parameter) for name, parameter in parameters.items())])


def _row(name: str, parameter: Parameter) -> str:
    lists = {True: "vector", None: "axis, or vectors", False: "axis" if parameter.axis else ""}[parameter.vector]
    default = {REQUIRED: "required", None: "none"}.get(parameter.default, f"`{_yaml(parameter.default)}`")
    value = allowed(parameter).replace("|", "\\|")
    unit = "" if parameter.kind in (bool, str) else parameter.unit
    cells = (f"`{name}`", value, lists, default, unit, parameter.meaning)
    return f"| {' | '.join(cells)} |"


def _yaml(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


# By path in the project.
FILES: dict[str, Callable[[], str]] = {
    "workflow/schemas/config.schema.json": json_schema,
    "docs/configuration.md": page,
}


def with_tables(guide: str) -> str:
    """The dataset's guide with the table of every stage below its heading."""
    for stage, files in columns.FILES.items():
        before, heading, after = guide.partition(f"### `{files}`")
        title, rest = after.split("\n\n", 1)
        _, rest = rest.split("\n\n", 1)
        guide = f"{before}{heading}{title}\n\n{columns.markdown(stage)}\n\n{rest}"
    return guide


def write(project: Path) -> None:
    """Write all of them, and the tables of the dataset's guide."""
    for path, made in FILES.items():
        (project / path).write_text(made(), encoding="utf-8")
    guide = project / "docs" / "dataset.md"
    guide.write_text(with_tables(guide.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parents[3])
