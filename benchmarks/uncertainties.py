"""How often the truth is within the uncertainty of a measured rate, of synthetic trajectories and of results/.

Run by `make coverage`, or by `PYTHONPATH=scripts python benchmarks/uncertainties.py [seed]`; it takes a minute or two.
Without a seed, one is drawn.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

import decays
from linear_networks.measure.decays import measure
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.stages.tables import against_theory

TRAJECTORIES = 150


def synthetic(seed: int) -> pd.DataFrame:
    """By class of `decays`: how many trajectories, rates that are given, and of these that hold the truth."""
    rows = []
    for number, name in enumerate([*decays.WITH_RATE, *decays.WITHOUT_RATE]):
        drawn = [decays.draw(name, np.random.default_rng([seed, number, one])) for one in range(TRAJECTORIES)]
        times, distances, floors, rates = zip(*drawn, strict=True)
        found = measure(times, distances, np.array(floors), np.zeros(len(drawn)))
        given, inside = np.isfinite(found.rate).sum(), (np.abs(found.rate - rates) <= found.uncertainty).sum()
        rows.append({"class": name, "trajectories": TRAJECTORIES, "given": given, "inside": inside})
    table = pd.DataFrame(rows).set_index("class")
    table.loc["all that have a rate"] = table.loc[list(decays.WITH_RATE)].sum()
    return shares(table)


def of_results(folder: Path) -> pd.DataFrame:
    """By solver: how many quantities have a predicted rate, how many of them a measured one, and how many hold it."""
    columns = ["solver", "measured", "uncertainty", "predicted", "bound"]
    rates = against_theory(parquet.read(sorted(map(str, folder.glob("rates/*/*/*.parquet"))), columns).to_pandas())
    rates = rates[rates["predicted"].notna()]
    by_solver = rates.groupby("solver", observed=True)
    table = by_solver.agg(trajectories=("predicted", "size"), given=("measured", "count"), inside=("inside", "sum"))
    table.loc["all"] = table.sum()
    return shares(table)


def shares(table: pd.DataFrame) -> pd.DataFrame:
    given, of = table["given"], table["trajectories"]
    percent = {"refused [%]": 100 * (1 - given / of), "coverage [%]": 100 * table["inside"] / given.where(given > 0)}
    return table.astype(object).assign(**{name: values.map("{:.1f}".format) for name, values in percent.items()})


def main() -> None:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else int(np.random.SeedSequence().generate_state(1)[0])
    print(f"Synthetic trajectories, seed {seed}\n")
    print(synthetic(seed).to_markdown(disable_numparse=True))
    if any(Path("results").glob("rates/*/*/*.parquet")):
        print("\nRates of results/ beside their predictions\n")
        print(of_results(Path("results")).to_markdown(disable_numparse=True))


if __name__ == "__main__":
    main()
