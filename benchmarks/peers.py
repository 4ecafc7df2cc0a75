"""What one would write instead: the same runs by other means, one function each.

Each makes a function of the data, left and right factors of a run, or of a batch where it says so, which observes error
and singular values at its samples and returns the product X at the end.
"""

import importlib
from collections.abc import Callable

import numpy as np

Solve = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def numpy_loop(step_size: float, steps: int, samples: int) -> Solve:
    """Descent of one run by a loop over steps, with error and singular values at the samples."""

    def solve(data: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        for _ in range(samples):
            for _ in range(steps // samples):
                residual = data - left @ right.T
                left, right = left + step_size * residual @ right, right + step_size * residual.T @ left
            product = left @ right.T
            np.linalg.norm(data - product) / np.linalg.norm(data)
            np.linalg.svd(product, compute_uv=False)
        return product

    return solve


def torch_sgd(step_size: float, steps: int, samples: int) -> Solve:
    """Descent of one run by PyTorch's automatic differentiation and SGD."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)

    def solve(data: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        target = torch.from_numpy(data)
        factors = [torch.from_numpy(part.copy()).requires_grad_() for part in (left, right)]
        optimizer = torch.optim.SGD(factors, lr=step_size)
        for step in range(steps):
            optimizer.zero_grad()
            product = factors[0] @ factors[1].T
            (0.5 * (target - product).square().sum()).backward()
            optimizer.step()
            if (step + 1) % (steps // samples) == 0:
                product = (factors[0] @ factors[1].T).detach()
                (target - product).norm() / target.norm()
                torch.linalg.svdvals(product)
        return product.numpy()

    return solve


def jax_scan(step_size: float, steps: int, samples: int) -> Solve:
    """Descent of a batch by JAX: vmap over runs, lax.scan over steps."""
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)

    def step(state: tuple, data: object) -> tuple:
        left, right = state
        residual = data - left @ right.T
        return left + step_size * residual @ right, right + step_size * residual.T @ left

    def solve(data: object, left: object, right: object) -> object:
        def sample(state: tuple, _: object) -> tuple:
            state = jax.lax.fori_loop(0, steps // samples, lambda _, state: step(state, data), state)
            product = state[0] @ state[1].T
            error = jax.numpy.linalg.norm(data - product) / jax.numpy.linalg.norm(data)
            return state, (error, jax.numpy.linalg.svd(product, compute_uv=False))

        (left, right), observed = jax.lax.scan(sample, (left, right), length=samples)
        return left @ right.T, observed

    batched = jax.jit(jax.vmap(solve))
    return lambda *problem: np.asarray(batched(*problem)[0])


def regularized_loop(candidate: float, step_size: float, steps: int) -> Solve:
    """Descent of one run of the regularized model (20), at weight 1/8 and Lambda = candidate I."""

    def solve(data: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        shift = candidate * np.eye(left.shape[1])
        for _ in range(steps):
            residual, pull = data - left @ right.T, (left.T @ left - right.T @ right - shift) / 2
            left, right = (
                left + step_size * (residual @ right - left @ pull),
                right + step_size * (residual.T @ left + right @ pull),
            )
        return left @ right.T

    return solve


def scipy_flow(times: np.ndarray, rtol: float) -> Solve:
    """Flow of one run by SciPy's DOP853."""
    from scipy.integrate import solve_ivp

    def solve(data: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        rows, columns = data.shape
        shape = rows + columns, left.shape[1]

        def velocity(_: float, state: np.ndarray) -> np.ndarray:
            factors = state.reshape(shape)
            residual = data - factors[:rows] @ factors[rows:].T
            return np.concatenate([residual @ factors[rows:], residual.T @ factors[:rows]]).ravel()

        start = np.concatenate([left, right]).ravel()
        states = solve_ivp(velocity, times[[0, -1]], start, "DOP853", times, rtol=rtol, atol=rtol).y.T
        products = [state.reshape(shape)[:rows] @ state.reshape(shape)[rows:].T for state in states]
        np.linalg.svd(np.stack(products), compute_uv=False)
        return products[-1]

    return solve


def diffrax_flow(times: np.ndarray, rtol: float) -> Solve:
    """Flow of a batch by diffrax's Dopri8, each run with its own steps."""
    jax, diffrax = importlib.import_module("jax"), importlib.import_module("diffrax")
    jax.config.update("jax_enable_x64", True)
    saved = diffrax.SaveAt(ts=times)

    def velocity(_: object, state: tuple, data: object) -> tuple:
        left, right = state
        residual = data - left @ right.T
        return residual @ right, residual.T @ left

    def solve(data: object, left: object, right: object) -> object:
        controller = diffrax.PIDController(rtol=rtol, atol=rtol)
        terms, method = diffrax.ODETerm(velocity), diffrax.Dopri8()
        options = {"saveat": saved, "stepsize_controller": controller, "max_steps": 100_000}
        found = diffrax.diffeqsolve(terms, method, times[0], times[-1], None, (left, right), data, **options)
        products = found.ys[0] @ jax.numpy.swapaxes(found.ys[1], 1, 2)
        return products[-1], jax.numpy.linalg.svd(products, compute_uv=False)

    batched = jax.jit(jax.vmap(solve))
    return lambda *problem: np.asarray(batched(*problem)[0])
