"""The rate-fit table of an experiment: measured rates over replicates beside what theory predicts."""

import html as markup
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from linear_networks_workflow.dataset import joining, parquet
from linear_networks_workflow.dataset.parameters import PARAMETERS
from linear_networks_workflow.dataset.replacing import replacing

KEYS, COLUMNS = [*parquet.GROUPS], [*parquet.AGGREGATES]
_PARAMETERS = [name for name in PARAMETERS if name not in KEYS]

# Ending of the column of a parameter with its values that are lists of numbers.
VECTOR = "_vector"

# Of the replicates, for the interval of their median.
RESAMPLES = 2000

# What readers have to know besides what is said of the dynamics and solvers in it.
NOTES = {
    "interval": (
        "`low` to `high` is the spread of the replicates, `uncertainty` the median of what each of their rates is "
        "known to. Of the `compared` runs, whose rate is measured and predicted, `inside` counts those whose "
        "prediction lies within their own uncertainty."
    ),
    "bound": (
        "`bound` is an inequality, [λ_m(Q₀)]₊ + [λ_n(−Q₀)]₊ ≤ rate; `predicted` is an equality. "
        "`violations` counts runs whose measured rate and its uncertainty lie below the bound."
    ),
}


def write(table: pd.DataFrame, title: str, path: str, page: Path, said: Mapping[str, str]) -> None:
    """Write a table as `shown` in the format of the path's ending; `page` is the template of the HTML, `said` as in
    `notes`."""
    with replacing(path) as temporary:
        match Path(path).suffix:
            case ".csv":
                table.to_csv(temporary, index=False)
            case ".md":
                temporary.write_text(markdown(table, title, said))
            case ".tex":
                temporary.write_text(latex(table, title))
            case _:
                temporary.write_text(html(table, title, page, said))


def beside_runs(files: Iterable[tuple[str, str]]) -> Iterator[pd.DataFrame]:
    """Rates beside the parameters of their runs, from the files of runs and of rates of each chunk."""
    for runs, rates in files:
        known = joining.frame(parquet.read(runs, ["run", *_PARAMETERS]))
        # Most parameters are those of other components.
        yield from joining.rows(rates, parquet.RATES.names, known.dropna(axis="columns", how="all"))


def tabulate(rates: Iterable[pd.DataFrame], axes: Sequence[str]) -> pd.DataFrame:
    """One row per grid point and quantity, aggregated over replicates.

    Parameters
    ----------
    rates : iterable of DataFrame
        Rates of one experiment beside the parameters of their runs, in the order of its grid, some at a time: no more
        of them is held than those of a point.
    axes : sequence of str
        Parameters that vary over its grid, by column of `runs`.

    Returns
    -------
    DataFrame
        `experiment`, `dynamics`, `solver`, `quantity`, `mode`; every parameter that the runs of the row have in common;
        `measured` (median), `low` and `high` (95 % bootstrap interval of the median), `uncertainty` (median),
        `predicted`, `predicted_by`, `ratio` (median of measured / predicted), `compared` and `inside` (numbers of runs
        that have both, and whose prediction is within the uncertainty), `paper`, `bound`, `violations`, `runs`, and
        `unmeasured`, the number of runs without a rate, with their reasons.
    """
    varying = [name for name in _PARAMETERS if name.removesuffix(VECTOR) in axes]
    rows = [row for points in _whole_points(rates, varying) for row in _rows(against_theory(points), [*varying, *KEYS])]
    return pd.DataFrame(rows, columns=parquet.TABLES.names)


def _whole_points(blocks: Iterable[pd.DataFrame], varying: Sequence[str]) -> Iterator[pd.DataFrame]:
    """The rows, those of the last point of each block with its others in the next."""
    waiting = pd.DataFrame()
    for block in blocks:
        rows = pd.concat([waiting, block], ignore_index=True) if len(waiting) else block
        if len(rows):
            points = _grouped(rows, [*varying, "dynamics", "solver"]).ngroup().to_numpy()
            waiting = rows[points == points[-1]]
            if len(waiting) < len(rows):
                yield rows[points != points[-1]]
    if len(waiting):
        yield waiting


def _grouped(rows: pd.DataFrame, by: Sequence[str]) -> Any:
    """Rows in groups, in the order in which these appear; lists of numbers tell them apart too."""
    keys = [rows[name].astype(object).map(_hashable, na_action="ignore") for name in by if name in rows]
    return rows.groupby(keys, dropna=False, sort=False)


def shown(table: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """What people read of a table: of the parameters, the axes of the experiment only, vectors as text."""
    axes = [axis for axis in axes if axis not in KEYS]
    narrow = table[[*axes, *KEYS, *COLUMNS]].copy()
    for axis in axes:
        values = table[axis].map(_plain, na_action="ignore")
        vectors = table[axis + VECTOR].map(_plain, na_action="ignore") if axis + VECTOR in table else None
        narrow[axis] = values if vectors is None or vectors.isna().all() else values.where(vectors.isna(), vectors)
    return narrow


def _common(values: pd.Series, group: np.ndarray) -> list[Any]:
    """By group, what all values are; None where they differ, or one is missing."""
    plain = values if values.dtype.kind in "bif" else values.astype(object).map(_hashable, na_action="ignore")
    codes = pd.Series(pd.factorize(plain)[0]).groupby(group).agg(["min", "max"])
    is_one = (codes["min"] == codes["max"]) & (codes["min"] >= 0)
    first = values[~pd.Series(group).duplicated().to_numpy()]
    return [value if same else None for value, same in zip(first, is_one, strict=True)]


def against_theory(rates: pd.DataFrame) -> pd.DataFrame:
    """The rates with the columns `ratio`, measured / predicted, and whether they are `compared` (both are known),
    `inside` (the prediction lies within measured +- uncertainty) and `violations` (they lie below the bound)."""
    measured, uncertainty = rates["measured"], rates["uncertainty"]
    return rates.assign(
        ratio=measured / rates["predicted"],
        compared=measured.notna() & rates["predicted"].notna(),
        inside=(measured - rates["predicted"]).abs() <= uncertainty,
        violations=measured + uncertainty < rates["bound"],
    )


def _rows(rates: pd.DataFrame, by: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each group of rates that have the same values of some columns, in the order in which these appear."""
    group = _grouped(rates, by).ngroup().to_numpy()
    groups = rates.groupby(group)
    medians = groups[["measured", "uncertainty", "predicted", "ratio", "paper", "bound"]].median()
    counts = groups[["compared", "inside", "violations"]].sum()
    low, high = zip(*(interval(some.dropna().to_numpy()) for _, some in groups["measured"]), strict=True)
    columns = {
        **{name: _common(rates[name], group) for name in ("experiment", *KEYS, *_PARAMETERS) if name in rates},
        **{name: some[name].tolist() for some in (medians, counts) for name in some},
        "low": low,
        "high": high,
        "predicted_by": rates["predicted_by"].astype(object).groupby(group).first().fillna(""),
        "runs": groups.size().tolist(),
        "unmeasured": [_counted(some.dropna()) for _, some in groups["reason"]],
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _counted(words: Iterable[str]) -> str:
    return ", ".join(f"{count} {word}" for word, count in Counter(words).most_common())


def interval(values: np.ndarray) -> tuple[float, float]:
    """95 % bootstrap interval of the median, by percentiles; NaN for fewer than three values."""
    if len(values) < 3:
        return np.nan, np.nan
    if np.ptp(values) == 0.0:
        return values[0], values[0]
    chosen = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(np.median(values[chosen], axis=1), (0.025, 0.975))
    return float(low), float(high)


def notes(table: pd.DataFrame, said: Mapping[str, str]) -> list[str]:
    """What a reader of the table has to know; `said` are the notes of dynamics and solvers by name.

    They are handed over, so that a table depends on the notes and not on the code of the dynamics.
    """
    present = {*table["dynamics"].astype(str), *table["solver"].astype(str)}
    present |= {"interval"} if len(table) else set()
    present |= {"bound"} if table["bound"].notna().any() else set()
    return [note for name, note in {**said, **NOTES}.items() if name in present]


def markdown(table: pd.DataFrame, title: str, said: Mapping[str, str]) -> str:
    """The table with its notes in Markdown; `said` as in `notes`."""
    shown = _rounded(table).map(lambda text: markup.escape(text, quote=False).replace("|", r"\|"))
    body = shown.to_markdown(index=False, disable_numparse=True)
    return f"# Rates of `{title}`\n\n{body}\n\n" + "\n".join(f"- {note}" for note in notes(table, said)) + "\n"


def html(table: pd.DataFrame, title: str, page: Path, said: Mapping[str, str]) -> str:
    """The table with its notes as a page of its own, whose headings sort it; `page` is its template."""
    loader = jinja2.FileSystemLoader(page.parent)
    environment = jinja2.Environment(loader=loader, autoescape=True)
    rows = table.astype(object).where(table.notna(), None).to_numpy()
    plain = [note.replace("`", "") for note in [summary(table), *notes(table, said)]]
    return environment.get_template(page.name).render(title=title, headings=list(table.columns), rows=rows, notes=plain)


def summary(table: pd.DataFrame) -> str:
    """How close the measured rates of the table are to the predicted ones, in a sentence."""
    ratios = table["ratio"].dropna()
    near = int((abs(ratios - 1) <= 0.01).sum())
    return (
        f"{near} of {len(ratios)} rates that theory predicts were measured within 1 % of the prediction. "
        f"Of {table['compared'].sum()} runs, {table['inside'].sum()} have the prediction within their uncertainty, "
        f"and {table['violations'].sum()} violate their bound."
    )


def latex(table: pd.DataFrame, title: str) -> str:
    r"""The table in LaTeX, for the packages booktabs, longtable and siunitx."""
    numbers = table.select_dtypes("number").columns
    shown = table.rename(columns=lambda name: str(name).replace("_", " "))
    numbers = [str(name).replace("_", " ") for name in numbers]
    styler = (
        shown.style.hide(axis="index")
        .format("{:.4g}", na_rep="", subset=numbers)
        .format(_escaped, subset=[name for name in shown if name not in numbers])
    )
    columns = "".join("S" if name in numbers else "l" for name in shown)
    label = title.replace("_", "-")
    return styler.to_latex(
        column_format=columns,
        hrules=True,
        siunitx=True,
        environment="longtable",
        caption=f"Rates of {label}",
        label=f"tab:{label}",
    )


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    return table.map(lambda value: f"{value:.4g}" if isinstance(value, float) and np.isfinite(value) else _blank(value))


def _blank(value: Any) -> str:
    if isinstance(value, np.ndarray | list):
        return " ".join(f"{one:.4g}" for one in value)
    return "" if pd.isna(value) else str(value)


def _escaped(value: Any) -> str:
    special = {letter: f"\\{letter}" for letter in "_%&#${}"}
    special |= {"~": r"$\sim$", "|": r"$|$", "^": r"\^{}", "<": r"$<$", ">": r"$>$", "\\": r"\textbackslash{}"}
    return "".join(special.get(letter, letter) for letter in _blank(value))


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, np.ndarray | list) else value


def _plain(value: Any) -> Any:
    """A vector as text."""
    return ", ".join(f"{number:g}" for number in value) if isinstance(value, np.ndarray | list) else value
