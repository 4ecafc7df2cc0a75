"""One candidate lambda0 by closed form against plain Euler, and a whole fit, side by side.

Run with: python benchmarks/lambda0.py
"""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from gradflow import flow, gauge, lambda0, observables
from gradflow.dynamics import Asymmetric

STEP_SIZE, HORIZON = 1e-5, 0.5
TIMES = np.concatenate([[0.0], np.geomspace(1e-4, HORIZON, 99)])


def euler(data: np.ndarray, factors: np.ndarray, candidate: float) -> np.ndarray:
    """What a user would write: descent of (20) on the unreduced factors, at the step size of the paper."""
    left, right = factors[:5].copy(), factors[5:].copy()
    shift = candidate * np.eye(left.shape[1])
    for _ in range(round(HORIZON / STEP_SIZE)):
        residual, pull = data - left @ right.T, (left.T @ left - right.T @ right - shift) / 2
        left, right = (
            left + STEP_SIZE * (residual @ right - left @ pull),
            right + STEP_SIZE * (residual.T @ left + right @ pull),
        )
    return left @ right.T


def seconds(repeats: int, function, *arguments) -> float:
    """Median time of a call."""
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        function(*arguments)
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))


def main() -> None:
    print("width  candidate by Euler  by closed form  ratio  whole fit")
    for width in (50, 100, 200):
        rng = np.random.default_rng(0)
        data, factors = rng.standard_normal((5, 10)), rng.standard_normal((15, width))
        reduced = gauge.reduce(factors)[0]
        dynamics = Asymmetric(data[None])
        observe = observables.observer(dynamics, reduced[None], np.array([width]), product=True)
        products = flow.integrate(dynamics, reduced[None], TIMES, observe).observed["product"][0].reshape(-1, 5, 10)
        objective = lambda0.Objective(TIMES, products, data, reduced)
        slow = seconds(1, euler, data, factors, -2.0 * width)
        fast = seconds(20, objective, [-2.0 * width])
        fit = seconds(5, lambda0.fit, TIMES, products, data, reduced)
        print(f"{width:5d}  {slow:17.2f} s  {1e3 * fast:11.2f} ms  {slow / fast:5.0f}  {1e3 * fit:6.0f} ms")


if __name__ == "__main__":
    main()
