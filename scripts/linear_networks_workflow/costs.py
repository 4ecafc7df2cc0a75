"""What the runs of an experiment cost, from their shapes, steps and samples: the size of chunks, and what jobs ask for.

The constants are measurements on one core of 2023, rounded up; docs/performance.md has more of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, inf, log2
from pathlib import Path
from typing import Any

from linear_networks.dynamics import DYNAMICS
from linear_networks.initializations import INITIALIZATIONS
from linear_networks.losses import LOSSES
from linear_networks.solvers import SOLVERS
from linear_networks_workflow import grid, inputs, memory

SECONDS_PER_JOB = 5
MOST_RUNS_PER_JOB = 2**14

# MiB of the runs that a job computes together, as far as more than one fits.
BLOCK = 100

# From this many entries of Y on, a matrix product keeps several threads busy.
LARGE, THREADS = 40_000, 4


@dataclass(frozen=True)
class Costs:
    """Costs of an experiment: those of its largest run, which has every parameter at its largest value."""

    rows: int
    columns: int
    width: int  # of the factors that are computed with
    drawn: int  # of the factors that are drawn
    steps: float
    samples: int
    examples: int  # of a teacher
    solvers: list[str]
    losses: list[str]
    dynamics: list[str]
    record: frozenset[str]
    with_lambda0: bool
    with_trajectories: bool
    runs: int  # of the dynamics that has most, and at most in one job

    @classmethod
    def of(cls, experiment: Mapping[str, Any], folder: Path) -> "Costs":
        """Costs of an experiment whose relative paths start at a folder; files of matrices are read."""
        values = grid.parameters(experiment)
        rows, columns = (max(sides) for sides in zip(*inputs.shapes(experiment, folder), strict=True))
        width, blocks = max(values["width"]), grid.blocks(experiment)
        reducible = all(DYNAMICS[name].keeps_gauge(one) for name, block in blocks.items() for one in grid.expand(block))
        points = max(grid.count(grid.points(experiment, dynamics)) for dynamics in blocks)
        return cls(
            rows,
            columns,
            width=min(width, rows + columns) if reducible else width,
            drawn=max(INITIALIZATIONS[kind].drawn(rows, columns, width) for kind in values["initialization"]),
            steps=max(values["horizon"]) / min(values.get("step_size", [inf])),
            samples=max(values["samples"]),
            examples=max(values.get("examples", [0])),
            solvers=values["solver"],
            losses=[loss["kind"] for loss in grid.losses(experiment)],
            dynamics=list(blocks),
            record=frozenset(experiment["record"]) | ({"product"} if grid.generals(experiment) else set()),
            with_lambda0=bool(grid.generals(experiment)),
            with_trajectories=grid.keeps_trajectories(experiment),
            runs=min(points * experiment["replicates"], experiment.get("runs_per_job", MOST_RUNS_PER_JOB)),
        )

    def simulation(self, dynamics: str) -> float:
        """Seconds that a run of a dynamics takes, by the slowest of its solvers."""
        entries, side = self.rows * self.columns, self.rows + self.columns
        observed = 1e-5 + entries * min(self.rows, self.columns) / 1e8 if self.with_trajectories else 1e-6
        sample = observed + side**2 * self.width / 4e9
        operations = DYNAMICS[dynamics].operations(self.rows, self.columns, self.width)
        of_loss = max(LOSSES[loss].seconds(self.rows, self.columns, self.examples) for loss in self.losses)
        spent = (self.steps, self.samples, side, operations, of_loss)
        return self.samples * sample + max(SOLVERS[solver].seconds(*spent) for solver in self.solvers)

    def lambda0(self) -> float:
        """Seconds that the fit of a lambda0 takes."""
        return self.samples * (8e-5 + (self.rows + self.columns) ** 3 / 2.5e7) if self.with_lambda0 else 0.0

    def rates(self) -> float:
        """Seconds that the rates of a run take: of its product, its modes and its Gramian."""
        return 7e-4 * (2 + min(self.rows, self.columns))

    def runs_per_job(self) -> int:
        """How many runs a chunk has, for its simulation to take some seconds.

        A power of 2, so that it seldom changes with the experiment.
        """
        longest = max(self.lambda0(), *map(self.simulation, self.dynamics))
        return min(2 ** ceil(log2(max(1.0, SECONDS_PER_JOB / longest))), MOST_RUNS_PER_JOB)

    def memory(self) -> int:
        """MiB to ask for: what the process takes, and the runs that a job holds at a time."""
        numbers = memory.observed(self.rows, self.columns, self.samples, self.record, self.with_trajectories)
        stages = max(SOLVERS[solver].stages for solver in self.solvers)
        per_run = memory.mib_per_run(self.rows, self.columns, self.width, numbers, self.examples, stages)
        block = memory.runs_per_block(memory.PROCESS + BLOCK, per_run)
        drawing = memory.drawing(self.rows, self.columns, self.drawn)
        return ceil(memory.PROCESS + drawing + min(block, self.runs) * per_run)

    def minutes(self, seconds: float) -> int:
        """Minutes to ask for where a run takes so many seconds: five times as much, on a slow or busy machine."""
        return ceil(5.0 + 5.0 * seconds * self.runs / 60.0)

    def threads(self) -> int:
        """Threads that a simulation can use."""
        return THREADS if self.rows * self.columns >= LARGE else 1
