"""Descent on gauge-reduced batches against a plain loop over runs of full width, side by side.

Run with: python benchmarks/gauge.py
"""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from gradflow import descent, gauge, observables
from gradflow.dynamics import Asymmetric

STEPS, STEP_SIZE, RUNS = 2000, 1e-3, 20


def plain(data: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """What a user would write for one run."""
    left, right = factors[:5].copy(), factors[5:].copy()
    for _ in range(STEPS):
        residual = data - left @ right.T
        left, right = left + STEP_SIZE * residual @ right, right + STEP_SIZE * residual.T @ left
    return left @ right.T


def main() -> None:
    print(f"{RUNS} runs of {STEPS} steps, m = 5, n = 10")
    print("width  plain loop  batch  ratio")
    for width in (20, 100, 1000):
        rng = np.random.default_rng(0)
        data, factors = rng.standard_normal((RUNS, 5, 10)), 0.1 * rng.standard_normal((RUNS, 15, width))
        began = time.perf_counter()
        expected = np.stack([plain(*run) for run in zip(data, factors, strict=True)])
        loop = time.perf_counter() - began

        began = time.perf_counter()
        reduced = gauge.reduce(factors)[0]
        observe = observables.observer(Asymmetric(data), reduced, np.full(RUNS, width), product=True)
        solution = descent.descend(Asymmetric(data), reduced, STEP_SIZE, np.array([STEPS]), observe)
        batch = time.perf_counter() - began
        np.testing.assert_allclose(solution.observed["product"][:, 0], expected.reshape(RUNS, -1), atol=1e-12)
        print(f"{width:5d}  {loop:8.2f} s  {batch:4.2f} s  {loop / batch:5.1f}")


if __name__ == "__main__":
    main()
