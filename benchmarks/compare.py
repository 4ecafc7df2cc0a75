"""This project beside what one would write instead, on one core: a Markdown table of times and ratios.

Run by `make benchmark`. Methods take turns, and the median of several turns counts, so that what else the machine does
meets all of them alike. A peer that is not installed is left out, with a line that says so.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import yaml
from tqdm import tqdm

import peers
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations import Start
from linear_networks.losses.squared import Squared
from linear_networks.models import gauge
from linear_networks.models.factored import Factored
from linear_networks.solvers.descent import Descent
from linear_networks.solvers.flow import Flow
from linear_networks.solvers.solution import Solution
from linear_networks.solvers.solver import Solver
from linear_networks.theory import closed_forms, lambda0
from linear_networks.theory.limits import Limit

PROJECT = Path(__file__).parents[1]

TURNS = 5
ROWS, COLUMNS, RUNS = 5, 10, 64
STEP_SIZE, STEPS, SAMPLES = 1e-3, 5000, 50
HORIZON, FLOW_SAMPLES, EULER_STEPS = 1.0, 500, 100_000
FORM_SAMPLES = 401
GRID = 1000
OURS = "this project"


class Method(NamedTuple):
    """One way to do a task.

    Parameters
    ----------
    task, name : str
    units : float
        How many of the task's units a call does.
    make : callable
        Makes the call; raises ImportError where a peer is not installed.
    """

    task: str
    name: str
    units: float
    make: Callable[[], Callable[[], object]]


class Problems(NamedTuple):
    """A batch of runs."""

    data: np.ndarray
    left: np.ndarray
    right: np.ndarray

    @classmethod
    def draw(cls, width: int, scale: float) -> "Problems":
        rng = np.random.default_rng(0)
        shapes = (ROWS, COLUMNS), (ROWS, width), (COLUMNS, width)
        data, left, right = (rng.standard_normal((RUNS, *shape)) for shape in shapes)
        return cls(data, scale * left, scale * right)

    def reduced(self) -> np.ndarray:
        return gauge.reduce(np.concatenate([self.left, self.right], axis=1))[0]

    def ours(self, solver: Solver, times: np.ndarray) -> Solution:
        """The whole batch by a solver of this project, which observes what the peers do."""
        start, problem = Start(self.reduced()), Problem(Squared(self.data), Factored())
        limit = Limit.of(problem, np.full(len(self.data), self.left.shape[-1]), start)
        return solver.solve(problem, start, times, observe, lambda fraction: None, limit)

    def one(self, solve: peers.Solve) -> Callable[[], object]:
        """Call that solves the first run."""
        return lambda: solve(*(part[0] for part in self))

    def all(self, solve: peers.Solve) -> Callable[[], object]:
        """Call that solves the whole batch."""
        return lambda: solve(*self)


def observe(problem: Problem, state: np.ndarray, runs: np.ndarray) -> dict[str, np.ndarray]:
    """What the peers observe as well, and X, which they return."""
    product = problem.product(state)
    return {
        "error": problem.error(state, product),
        "singular_values": problem.spectrum(state, product),
        "product": product,
    }


def descent_methods(width: int) -> list[Method]:
    some = Problems.draw(width, 0.1)
    task = f"descent, k = {width}: one step, with its share of a sample every {STEPS // SAMPLES}"
    times = STEP_SIZE * np.linspace(0, STEPS, SAMPLES + 1)
    few = STEPS // 10, SAMPLES // 10
    return [
        Method(task, OURS, RUNS * STEPS, lambda: lambda: some.ours(Descent(STEP_SIZE), times)),
        Method(task, "NumPy loop", STEPS, lambda: some.one(peers.numpy_loop(STEP_SIZE, STEPS, SAMPLES))),
        Method(task, "PyTorch, autograd and SGD", few[0], lambda: some.one(peers.torch_sgd(STEP_SIZE, *few))),
        Method(task, "JAX, scan and vmap", RUNS * STEPS, lambda: some.all(peers.jax_scan(STEP_SIZE, STEPS, SAMPLES))),
    ]


def flow_methods(width: int, scale: float) -> list[Method]:
    some = Problems.draw(width, scale)
    times = np.linspace(0.0, HORIZON, FLOW_SAMPLES)
    part = EULER_STEPS // 20
    tasks = [f"flow, k = {width}, σ = {scale:g}: one run, {what}" for what in ("its end", f"{FLOW_SAMPLES} samples")]
    methods = [
        Method(
            task,
            "NumPy loop of Euler steps of 1e-5",
            part / EULER_STEPS,
            lambda: some.one(peers.numpy_loop(1e-5, part, 25)),
        )
        for task in tasks
    ]
    for task, asked in zip(tasks, (times[[0, -1]], times), strict=True):
        methods += [
            Method(task, OURS, RUNS, lambda asked=asked: lambda: some.ours(Flow(), asked)),
            Method(task, "SciPy, DOP853", 1, lambda asked=asked: some.one(peers.scipy_flow(asked, 1e-9))),
            Method(task, "diffrax, Dopri8", RUNS, lambda asked=asked: some.all(peers.diffrax_flow(asked, 1e-9))),
        ]
    return methods


def lambda0_methods(width: int) -> list[Method]:
    some = Problems.draw(width, 1.0)
    data, reduced = some.data[0], some.reduced()[0]
    times = np.concatenate([[0.0], np.geomspace(1e-4, 0.5, 99)])
    products = some.ours(Flow(), times).observed["product"][0]
    objective = lambda0.Objective(times, products, data, reduced)
    part = EULER_STEPS // 50
    candidate = f"λ₀, k = {width}: one candidate"
    return [
        Method(candidate, OURS, 1, lambda: lambda: objective([-2.0 * width])),
        Method(
            candidate,
            "NumPy loop of Euler steps of 1e-5",
            2 * part / EULER_STEPS,
            lambda: some.one(peers.regularized_loop(-2.0 * width, 1e-5, part)),
        ),
        Method(f"λ₀, k = {width}: the whole fit", OURS, 1, lambda: lambda: lambda0.fit(times, products, data, reduced)),
    ]


def closed_form_methods(width: int) -> list[Method]:
    """The Gramian of Proposition 5, of one run and of each run of a batch."""
    some, times = Problems.draw(width, 0.3), np.linspace(0.0, 10.0, FORM_SAMPLES)
    data, reduced, imbalances = some.data, some.reduced(), np.full(RUNS, 1.5)
    task = f"closed form, k = {width}: one run, {FORM_SAMPLES} samples"

    def form(runs: int) -> Callable[[], object]:
        return lambda: closed_forms.regularized(times, data[:runs], reduced[:runs], imbalances[:runs])

    return [
        Method(task, OURS, 1, lambda: form(1)),
        Method(f"{task}, among {RUNS}", OURS, RUNS, lambda: form(RUNS)),
    ]


def workflow_methods() -> list[Method]:
    """A grid from its config to Parquet files, against the loop alone."""
    task = f"{GRID} runs of 1000 steps with 100 samples, from config to Parquet: one run"
    some = Problems.draw(50, 0.1)
    experiment = {
        "matrix": {"source": "gaussian", "rows": ROWS, "columns": COLUMNS},
        "initialization": {"kind": "gaussian", "scale": [0.01, 0.03, 0.1, 0.3, 1.0]},
        "width": [50, 200],
        "dynamics": ["asymmetric"],
        "solver": {"method": "descent", "step_size": STEP_SIZE},
        "time": {"horizon": 1.0, "samples": 100},
        "replicates": GRID // 10,
    }

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder, "grid.yaml")
            config.write_text(yaml.safe_dump({"experiments": {"grid": experiment}}))
            command = [sys.executable, "-m", "snakemake", "trajectories", "--snakefile", str(PROJECT / "Snakefile")]
            command += ["--configfile", str(config), "--directory", folder, "--cores", "1", "--quiet", "all"]
            subprocess.run(command, check=True, capture_output=True, cwd=folder)

    return [
        Method(task, OURS, GRID, lambda: ours),
        Method(task, "NumPy loop, nothing written", 1, lambda: some.one(peers.numpy_loop(STEP_SIZE, 1000, 100))),
    ]


def measure(methods: list[Method]) -> pd.DataFrame:
    """Median seconds of a unit of each method; methods take turns."""
    calls = {}
    for method in methods:
        try:
            calls[method] = method.make()
        except ImportError as error:
            print(f"{method.name} is left out: {error}", file=sys.stderr)
    for call in tqdm(calls.values(), desc="warm up"):
        call()
    taken: dict[Method, list[float]] = {method: [] for method in calls}
    for _ in tqdm(range(TURNS), desc="turns"):
        for method, call in calls.items():
            began = time.perf_counter()
            call()
            taken[method].append((time.perf_counter() - began) / method.units)
    rows = [(method.task, method.name, np.median(seconds)) for method, seconds in taken.items()]
    return pd.DataFrame(rows, columns=["task", "method", "seconds"])


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """Times in a fitting unit, and how many times as long as this project each method takes."""
    ours = table[table["method"] == OURS].set_index("task")["seconds"]
    ratio = table["seconds"] / table["task"].map(ours)
    shown = table.sort_values("task", key=lambda tasks: tasks.map(list(ours.index).index), kind="stable")
    return pd.DataFrame(
        {
            "task": shown["task"],
            "method": shown["method"],
            "time": [readable(seconds) for seconds in shown["seconds"]],
            "ratio": [f"{value:.2g}" if value < 10 else f"{value:.0f}" for value in ratio[shown.index]],
        }
    )


def readable(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def peak() -> float:
    """Operations a second of one core in a product of large matrices."""
    size = 1500
    left, right = np.random.default_rng(0).standard_normal((2, size, size))
    left @ right
    taken = []
    for _ in range(TURNS):
        began = time.perf_counter()
        left @ right
        taken.append(time.perf_counter() - began)
    return 2.0 * size**3 / min(taken)


def flow_error(width: int, scale: float) -> float:
    """Largest relative error of X over the samples of the flow, against itself at a tolerance of 1e-13."""
    some, times = Problems.draw(width, scale), np.linspace(0.0, HORIZON, FLOW_SAMPLES)
    found, exact = (some.ours(Flow(rtol), times).observed["product"] for rtol in (1e-8, 1e-13))
    return float((np.abs(found - exact).max(axis=(1, 2, 3)) / np.linalg.norm(exact, axis=(2, 3)).max(axis=1)).max())


def main() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    methods = [*descent_methods(50), *descent_methods(200)]
    methods += [*flow_methods(50, 1.0), *lambda0_methods(50), *closed_form_methods(50), *workflow_methods()]
    table = measure(methods)
    print(compared(table).to_markdown(index=False))
    step = table[(table["method"] == OURS) & table["task"].str.startswith("descent, k = 50")]["seconds"].iloc[0]
    operations = 6.0 * ROWS * COLUMNS * (ROWS + COLUMNS) / step
    best = peak()
    print(
        f"\nDescent does {operations / 1e9:.1f} GFLOP/s, samples included: {operations / best:.0%} of the "
        f"{best / 1e9:.1f} GFLOP/s of a product of large matrices on one core.\n"
        f"Largest error of the flow: {flow_error(50, 1.0):.1e} of the largest ‖X‖."
    )


if __name__ == "__main__":
    main()
