"""The dataset as one archive: its files, card, config and citation, and a README that loads it."""

import shutil
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from linear_networks_workflow import grid
from linear_networks_workflow.dataset import citation, columns

# The archive holds one folder, so that unpacking it never mixes it with what is there.
ROOT = "dataset"

# What the README loads, the first that there is, with a quantity and how a query takes its median.
LOADED = {
    "trajectories": {"quantity": "error", "measured": "t, median(error)"},
    "runs": {"quantity": "error_end", "measured": "median(error_end)"},
}

README = """\
---
{header}---

# {title}

{description}

| experiment | runs | samples |
| --- | --- | --- |
{experiments}

Licence: [{licence}]({licence_url}).

## Loading it

From this folder, the experiment `{experiment}`:

```python
import pandas

{loaded}
```

```python
import polars

{stage} = polars.read_parquet("results/{stage}/{experiment}/*/*.parquet")
```

```sql
SELECT dynamics, solver, width, scale, {measured}  -- DuckDB
FROM read_parquet('results/{stage}/{experiment}/*/*.parquet')
GROUP BY ALL ORDER BY ALL;
```

```r
library(arrow)
{stage} <- as.data.frame(open_dataset("results/{stage}/{experiment}"))
```

Without the name of an experiment these read all of them as one table, which its column `experiment` tells apart: scales
and times of different experiments are the same numbers, but other matrices. Within an experiment, group by every axis
that its grid has, those that are columns of runs only joined by `run`. All experiments:

```python
import mlcroissant

for row in mlcroissant.Dataset("results/croissant.json").records("{stage}"):
    print(row["{stage}/run"], row["{stage}/{quantity}"])
    break
```

```python
import datasets  # of Hugging Face; from the folder above this one, or by the name of a repository on the hub

{stage} = datasets.load_dataset("dataset", "{stage}")
```

## Checking it

`results/croissant.json` holds the checksum of every file. In a clone of the workflow, `snakemake verify --directory
THIS_FOLDER` checks them, computes a random sample of the runs again and compares. `config.yaml` is the config that made
the dataset, with its defaults written out; files that it names are not in here, the matrices read from them are.

## Citing it

```bibtex
{bibtex}
```

## Columns

`run` joins trajectories, rates and lambda0 with runs, `matrix` joins runs with matrices. Missing values are null. Every
file carries in its metadata `schema_version`, `config` (the seed and the experiment that made it, as JSON),
`software` (versions, the processor and the BLAS with its kernel, on which last digits depend, as JSON), `made_from` (a
digest of what of the config is in it) and `sha256` (of the file but these 64 digits). Units are `1` for pure numbers
and counts, `time` and `1/time` for the time of the flow, `s` for seconds.

{columns}
"""


def readme(files: Iterable[str], cited: Mapping[str, Any]) -> str:
    """README of the dataset in Markdown, with the header by which the Hugging Face hub finds its parts."""
    rows: dict[str, Counter[str]] = {stage: Counter() for stage in columns.FILES}
    for file in files:
        stage, experiment, *_ = grid.parts(file)
        rows[stage][experiment] += pq.read_metadata(file).num_rows
    present = [stage for stage in columns.FILES if rows[stage]]
    stage = next(stage for stage in LOADED if rows[stage])
    experiment = next(iter(rows[stage]))
    loaded = (f'{one} = pandas.read_parquet("results/{one}/{experiment}")' for one in LOADED if rows[one])
    configs = [{"config_name": stage, "data_files": columns.pattern(stage)} for stage in present]
    header = {
        "license": citation.LICENCE.lower(),
        "pretty_name": citation.TITLE,
        "tags": citation.KEYWORDS,
        "configs": configs,
    }
    return README.format(
        header=yaml.safe_dump(header, sort_keys=False, width=120),
        title=citation.TITLE,
        description=citation.DESCRIPTION,
        experiment=experiment,
        stage=stage,
        loaded="\n".join(loaded),
        **LOADED[stage],
        experiments="\n".join(
            f"| `{name}` | {count} | {rows['trajectories'][name]} |" for name, count in rows["runs"].items()
        ),
        licence=citation.LICENCE,
        licence_url=citation.LICENCE_URL,
        bibtex=citation.bibtex(cited),
        columns="\n\n".join(
            f"### `{columns.FILES[stage]}`, {columns.ROWS[stage]}\n\n{columns.markdown(stage)}" for stage in present
        ),
    )


def write(path: str | Path, files: Iterable[str], folder: Path, texts: Mapping[str, str]) -> None:
    """Write a zip archive of files below a folder, and of texts by their names; the same content gives the same bytes.

    Parquet is compressed already: files are stored as they are, which every reader of zip files understands.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, text in sorted(texts.items()):
            archive.writestr(_entry(name), text)
        for file in sorted(files):
            entry = _entry(Path(file).relative_to(folder).as_posix())
            # Known beforehand, so that a file beyond 4 GB gets the entry that it needs.
            entry.file_size = Path(file).stat().st_size
            with open(file, "rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target, 1 << 20)


def _entry(name: str) -> zipfile.ZipInfo:
    """Entry without the time of writing, the user or the system."""
    entry = zipfile.ZipInfo(f"{ROOT}/{name}")
    entry.create_system, entry.external_attr = 3, 0o644 << 16
    return entry
