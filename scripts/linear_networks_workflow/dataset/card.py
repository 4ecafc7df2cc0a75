"""The dataset's Croissant card: every file with its checksum, every column with its meaning, and how it was made."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import mlcroissant as mlc
import pyarrow as pa

from linear_networks_workflow.dataset import checksums, citation, columns, parquet

PARQUET = "application/x-parquet"

# Columns whose values tell the records of a stage apart.
KEYS = {"matrices": ["matrix"], "runs": ["run"], "trajectories": ["run", "t"], "lambda0": ["run"]}


def describe(files: Iterable[str], folder: str, cited: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Croissant 1.1 metadata, as JSON, of Parquet files below a folder.

    The same files give the same card: it has a date and an address only where `cited` has `date-released` and `url`.

    Parameters
    ----------
    files : iterable of str
        Paths; the first part below the folder is the stage.
    folder : str
        Where the card will lie.
    cited : mapping
        Content of CITATION.cff.
    config : mapping
        The config that made the files.

    Raises
    ------
    mlcroissant.ValidationError
    """
    context = mlc.Context(conforms_to="http://mlcommons.org/croissant/1.1")
    terms = {name: f"cr:{name}" for name in ("arrayShape", "containedIn", "isArray")}
    context.rdf = mlc.Rdf(context={**context.rdf.context, **terms, "prov": "http://www.w3.org/ns/prov#"})

    paths = {Path(file).relative_to(folder).as_posix(): Path(file) for file in sorted(files)}
    stages = {name.split("/")[0] for name in paths}
    sets = [stage for stage in parquet.SCHEMAS if stage in stages]
    metadata = mlc.Metadata(
        ctx=context,
        name=citation.NAME,
        description=citation.DESCRIPTION,
        license=[citation.LICENCE_URL],
        cite_as=citation.bibtex(cited),
        creators=[_creator(context, author) for author in cited["authors"]],
        keywords=citation.KEYWORDS,
        version=cited["version"],
        date_published=cited.get("date-released"),
        url=cited.get("url"),
        distribution=[
            *(_file(context, name, path) for name, path in paths.items()),
            *(_file_set(context, stage) for stage in sets),
        ],
        record_sets=[_record_set(context, stage) for stage in sets],
        extra_properties={"prov:wasGeneratedBy": _activity(cited, config, paths.values())},
    )
    card = metadata.to_json()
    # As a reader will see it; validation adds to the dict that it is given.
    mlc.Dataset(json.loads(json.dumps(card)))
    return card


def _creator(context: mlc.Context, author: Mapping[str, str]) -> mlc.Organization | mlc.Person:
    if "name" in author:
        return mlc.Organization(ctx=context, name=author["name"])
    return mlc.Person(ctx=context, name=f"{author['given-names']} {author['family-names']}")


def _file(context: mlc.Context, name: str, path: Path) -> mlc.FileObject:
    return mlc.FileObject(
        ctx=context,
        id=name,
        name=name,
        content_url=name,
        content_size=f"{path.stat().st_size} B",
        encoding_formats=[PARQUET],
        sha256=checksums.sha256(path),
    )


def _file_set(context: mlc.Context, stage: str) -> mlc.FileSet:
    return mlc.FileSet(
        ctx=context,
        id=f"{stage}-files",
        name=f"{stage}-files",
        description=f"The files of {stage}: {columns.ROWS[stage]}.",
        encoding_formats=[PARQUET],
        includes=[columns.pattern(stage).removeprefix("results/")],
    )


def _record_set(context: mlc.Context, stage: str) -> mlc.RecordSet:
    return mlc.RecordSet(
        ctx=context,
        id=stage,
        name=stage,
        description=f"{stage}: {columns.ROWS[stage]}.",
        key=[f"{stage}/{key}" for key in KEYS.get(stage, [])] or None,
        fields=[_field(context, stage, field) for field in parquet.SCHEMAS[stage]],
    )


def _field(context: mlc.Context, stage: str, field: pa.Field) -> mlc.Field:
    column = columns.MEANINGS[stage][field.name]
    is_list = pa.types.is_list(field.type)
    return mlc.Field(
        ctx=context,
        id=f"{stage}/{field.name}",
        name=field.name,
        description=column.meaning,
        data_types=[_data_type(field.type.value_type if is_list else field.type)],
        is_array=is_list or None,
        source=mlc.Source(ctx=context, file_set=f"{stage}-files", extract=mlc.Extract(ctx=context, column=field.name)),
        extra_properties={"unitText": column.unit},
    )


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return mlc.DataType.BOOL
    if pa.types.is_integer(kind):
        return mlc.DataType.INTEGER
    return mlc.DataType.FLOAT if pa.types.is_floating(kind) else mlc.DataType.TEXT


def _activity(cited: Mapping[str, Any], config: Mapping[str, Any], files: Iterable[Path]) -> dict[str, Any]:
    """How the files were made, in terms of the PROV ontology."""
    versions = sorted(
        {version for file in files for version in json.loads(parquet.metadata(file).get("software", "{}")).items()}
    )
    return {
        "@type": "prov:Activity",
        "prov:label": f"{cited['title']}, version {cited['version']}",
        "prov:wasAssociatedWith": [
            {"@type": f"prov:{'Agent' if name == 'processor' else 'SoftwareAgent'}", "name": name, "version": version}
            for name, version in versions
        ],
        "prov:used": {"@type": "prov:Entity", "prov:label": "config", "prov:value": json.dumps(config)},
    }
