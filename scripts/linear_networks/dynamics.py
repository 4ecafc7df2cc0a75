"""The dynamics: what each one's state is, how it moves, what it descends, what it conserves, and its closed form.

A dynamics is a batch of problems of one shape. `velocity` is minus the gradient of `loss`: gradient descent adds
step_size * velocity(state) to its state, gradient flow integrates d state / dt = velocity(state).
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from linear_networks.initializations import Start
from linear_networks.kernels.products import Product as Times
from linear_networks.kernels.products import Step
from linear_networks.kernels.spectra import singular_values
from linear_networks.models import gauge
from linear_networks.models.basis import Basis
from linear_networks.theory import closed_forms, reach

Array = NDArray[np.float64]
Turn = Callable[[Array], Array]


@dataclass(frozen=True)
class Dynamics:
    """A batch of problems.

    Parameters
    ----------
    data : ndarray, shape (batch, m, n)
        Matrices Y that the product X is to learn.
    """

    data: Array

    name: ClassVar[str]

    def __init_subclass__(cls) -> None:
        # What is known of a velocity is known of that one only.
        own = vars(cls).keys()
        for name in ("step", "basis", "kept"):
            if {"velocity", "force"} & own and name not in own:
                setattr(cls, name, getattr(Dynamics, name))

    def select(self, runs: NDArray[np.intp] | NDArray[np.bool_]) -> Self:
        """The same dynamics for some of the runs, given by index or mask; an index may repeat."""
        return replace(self, **{field.name: getattr(self, field.name)[runs] for field in fields(self)})

    def start(self, factors: Array) -> Array:
        """State at t = 0 from the factors R(0), shape (batch, m + n, w)."""
        raise NotImplementedError

    def velocity(self, state: Array) -> Array:
        """Minus the gradient of the loss, of the state's shape."""
        raise NotImplementedError

    def step(self, state: Array, step_size: float) -> Step | None:
        """One step of descent as products of matrices whose state stacks up to this one; None where it is none."""
        return None

    def descend(self, state: Array, step_size: float, count: int) -> Array:
        """State after `count` steps of gradient descent, state + step_size * velocity(state)."""
        step = self.step(state, step_size)
        if step is not None and step.is_small():
            return np.concatenate(step.repeat(count), axis=1, out=np.empty_like(state, order="C"))
        for _ in range(count):
            state = state + step_size * self.velocity(state)
        return state

    def product(self, state: Array) -> Array:
        """Product X of the state, shape (batch, m, n)."""
        raise NotImplementedError

    def imbalance(self, state: Array) -> Array | None:
        """The conserved matrix Q = U^T U - V^T V, shape (batch, w, w), or None where nothing is conserved."""
        return None

    def loss(self, state: Array) -> Array:
        """The objective, shape (batch,)."""
        return 0.5 * squared_norm(self.data - self.product(state))

    def error(self, state: Array) -> Array:
        """Relative error ||Y - X||_F / ||Y||_F, shape (batch,)."""
        return np.sqrt(squared_norm(self.data - self.product(state)) / squared_norm(self.data))

    def spectrum(self, state: Array) -> Array:
        """Singular values of X, descending, shape (batch, min(m, n)); eigenvalues where X is symmetric throughout."""
        return singular_values(self.product(state))

    def limit(self, widths: Array) -> Array | None:
        """Product that generic starts of the given widths k, shape (batch,), tend to.

        None where it is not known, or NaN where it is not known of some runs.
        """
        return self.data

    def basis(self) -> Basis | None:
        """The basis in which Y is diagonal, where the dynamics is the same in every basis of rows and columns."""
        return None

    def turned(self, state: Array, left: Turn, right: Turn) -> Array:
        """The state in other bases of the rows and of the columns of X, into which `left` and `right` turn."""
        raise NotImplementedError

    def kept(self, widths: Array, start: Start | None = None) -> Array | None:
        """Singular values of Y, in the order of `basis`, that the product of this start keeps, shape (batch, p).

        The others are 0, or NaN where it is not known which. None where the limit does not have the modes of Y. Without
        a start, generic starts of the given widths are meant.
        """
        return None

    def local_rate(self, state: Array) -> Array | None:
        """Rate at which ||Y - X|| decays at least at this state, shape (batch,); None where that is not known.

        Where X tends to Y it tends to the rate of convergence.
        """
        return None

    def gramian(self, state: Array) -> Array | None:
        """R R^T, shape (batch, m + n, m + n), where its convergence is a question of its own, else None."""
        return None

    def gramian_limit(self, widths: Array) -> Array | None:
        """What the Gramian tends to; None or NaN as for `limit`."""
        return None

    def closed_form(self, times: Array, start: Start) -> "tuple[Dynamics, Array]":
        """A dynamics whose state is known at every time, and its states, shape (batch, samples, ...)."""
        raise NotImplementedError

    @staticmethod
    def curvature(data: float, left: float, right: float, inputs: float) -> float:
        """Estimate of the largest curvature that descent meets; it is stable for step sizes below 2 / curvature.

        Parameters
        ----------
        data, left, right, inputs : float
            Spectral norms of Y, U(0), V(0) and, where there are inputs, of these.
        """
        raise NotImplementedError


class Product(Dynamics):
    """Any dynamics whose state is the product X itself, shape (batch, m, n)."""

    def start(self, factors: Array) -> Array:
        rows = self.data.shape[1]
        return factors[:, :rows] @ factors[:, rows:].mT

    def product(self, state: Array) -> Array:
        return state


class Linear(Product):
    """One-layer linear model (2), dX/dt = Y - X."""

    name = "linear"

    def velocity(self, state: Array) -> Array:
        return self.data - state

    def kept(self, widths: Array, start: Start | None = None) -> Array:
        return singular_values(self.data)

    def closed_form(self, times: Array, start: Start) -> tuple[Dynamics, Array]:
        return self, closed_forms.linear(times, self.data, self.start(start.factors))

    @staticmethod
    def curvature(data: float, left: float, right: float, inputs: float) -> float:
        return 1.0


class Riccati(Product):
    """The product of the symmetric model on its own (5), dX/dt = 2 Y X + 2 X Y - 4 X^2.

    It starts from X = U U^T and stays positive semidefinite and of the same rank; from other starts it can escape
    to infinity in finite time.
    """

    name = "riccati"

    def start(self, factors: Array) -> Array:
        left = factors[:, : self.data.shape[1]]
        return left @ left.mT

    def velocity(self, state: Array) -> Array:
        half = 2.0 * (self.data - state) @ state
        return half + half.mT

    def spectrum(self, state: Array) -> Array:
        return np.flip(np.linalg.eigvalsh(state), axis=1)

    def basis(self) -> Basis:
        return Basis.eigen(self.data)

    def turned(self, state: Array, left: Turn, right: Turn) -> Array:
        return left(left(state).mT).mT

    def kept(self, widths: Array, start: Start | None = None) -> Array:
        return reach.positive(self.data, widths, start)

    def limit(self, widths: Array) -> Array:
        return self.basis().part(self.data, self.kept(widths))

    def closed_form(self, times: Array, start: Start) -> tuple[Dynamics, Array]:
        return self, closed_forms.symmetric(times, self.data, start.factors[:, : self.data.shape[1]])

    @staticmethod
    def curvature(data: float, left: float, right: float, inputs: float) -> float:
        return 4.0 * max(left**2, data)


class Symmetric(Dynamics):
    """Two-layer linear model with tied weights (3): the state is U, (batch, m, w), and dU/dt = 2 (Y - U U^T) U."""

    name = "symmetric"

    def start(self, factors: Array) -> Array:
        return gauge.reduce(factors[:, : self.data.shape[1]])[0]

    def velocity(self, state: Array) -> Array:
        return 2.0 * (self.data - state @ state.mT) @ state

    def step(self, state: Array, step_size: float) -> Step:
        scale = np.full((len(state), 1, 1), 2.0 * step_size)
        return Step(
            {"U": state},
            {"Y": scale * self.data, "-eta": -scale},
            (Times("E", "Y", "U", "U'", "-eta"), Times("U+", "U", "E", "U")),
        )

    def product(self, state: Array) -> Array:
        return state @ state.mT

    def spectrum(self, state: Array) -> Array:
        values = singular_values(state) ** 2
        return np.pad(values, ((0, 0), (0, state.shape[1] - values.shape[1])))

    def basis(self) -> Basis:
        return Basis.eigen(self.data)

    def turned(self, state: Array, left: Turn, right: Turn) -> Array:
        return left(state)

    def kept(self, widths: Array, start: Start | None = None) -> Array:
        return reach.positive(self.data, widths, start)

    def limit(self, widths: Array) -> Array:
        return self.basis().part(self.data, self.kept(widths))

    def closed_form(self, times: Array, start: Start) -> tuple[Dynamics, Array]:
        return Riccati(self.data), closed_forms.symmetric(times, self.data, self.start(start.factors))

    @staticmethod
    def curvature(data: float, left: float, right: float, inputs: float) -> float:
        # The Hessian of (3) at U U^T = Y, in direction U itself, is 4 ||U||^2.
        return 4.0 * max(left**2, data)


class Asymmetric(Dynamics):
    """Two-layer linear model (9): the state is R = [U; V], shape (batch, m + n, w), and (10) moves it:

    dU/dt = (Y - U V^T) V,  dV/dt = (Y - U V^T)^T U.
    """

    name = "asymmetric"

    def start(self, factors: Array) -> Array:
        return factors

    def velocity(self, state: Array) -> Array:
        left, right = self.factors(state)
        force = self.force(left @ right.mT)
        velocity = np.empty_like(state)
        rows = self.data.shape[1]
        np.matmul(force, right, out=velocity[:, :rows])
        np.matmul(force.mT, left, out=velocity[:, rows:])
        return velocity

    def step(self, state: Array, step_size: float) -> Step | None:
        left, right = self.factors(state)
        scale = np.full((len(state), 1, 1), step_size)
        return Step(
            {"U": left, "V": right},
            {"Y": scale * self.data, "-eta": -scale},
            (Times("E", "Y", "U", "V'", "-eta"), Times("U+", "U", "E", "V"), Times("V", "V", "E'", "U")),
        )

    def force(self, product: Array) -> Array:
        """Minus the gradient of the loss with respect to X, shape (batch, m, n)."""
        return self.data - product

    def product(self, state: Array) -> Array:
        left, right = self.factors(state)
        return left @ right.mT

    def imbalance(self, state: Array) -> Array | None:
        left, right = self.factors(state)
        return left.mT @ left - right.mT @ right

    def local_rate(self, state: Array) -> Array | None:
        # E = Y - X obeys dE/dt = -(U U^T E + E V V^T).
        left, right = self.factors(state)
        return least_eigenvalue(left) + least_eigenvalue(right)

    def basis(self) -> Basis | None:
        return Basis.singular(self.data)

    def turned(self, state: Array, left: Turn, right: Turn) -> Array:
        return np.concatenate(
            [turned(part) for turned, part in zip((left, right), self.factors(state), strict=True)], 1
        )

    def kept(self, widths: Array, start: Start | None = None) -> Array | None:
        return reach.singular(self.data, widths, start)

    def limit(self, widths: Array) -> Array | None:
        basis = Basis.singular(self.data)
        return basis.part(self.data, reach.leading(basis.values, widths))

    def closed_form(self, times: Array, start: Start) -> tuple[Dynamics, Array]:
        rows = self.data.shape[1]
        if start.modes is not None:
            return Linear(self.data), closed_forms.asymmetric_spectral(times, *start.modes)
        if start.lambda0 is None:
            raise ValueError("the flow of (10) has a closed form from spectral starts and where Q(0) = lambda0 I")
        gramian = closed_forms.regularized(times, self.data, start.factors, start.lambda0)
        return Linear(self.data), gramian[..., :rows, rows:]

    @staticmethod
    def curvature(data: float, left: float, right: float, inputs: float) -> float:
        # The Hessian of (9) at a minimum is E -> U U^T E + E V V^T: at the start ||U||^2 + ||V||^2 bounds it,
        # and balanced factors of Y end at ||U||^2 = ||V||^2 = ||Y||.
        return max(left**2 + right**2, 2.0 * data)

    def factors(self, state: Array) -> tuple[Array, Array]:
        """Views U (batch, m, w) and V (batch, n, w) of the state."""
        rows = self.data.shape[1]
        return state[:, :rows], state[:, rows:]


@dataclass(frozen=True)
class Regularized(Asymmetric):
    """The asymmetric model with its imbalance held to a diagonal Lambda by a penalty (20); (19) moves R = [U; V].

    Parameters
    ----------
    data : ndarray, shape (batch, m, n)
    target : ndarray, shape (batch, w)
        Diagonal of Lambda. If it is no multiple of the identity, the factors must not be gauge-reduced.
    weight : ndarray, shape (batch,)
        Weight of the penalty ||U^T U - V^T V - Lambda||_F^2. At 1/8, the flow is (18).
    reduced : ndarray, shape (batch,)
        Number of columns that the gauge reduction has left out; the penalty counts them.
    """

    target: Array
    weight: Array
    reduced: Array

    name = "regularized"

    def velocity(self, state: Array) -> Array:
        left, right = self.factors(state)
        pull = 4.0 * self.weight[:, None, None] * self._excess(state)
        velocity = super().velocity(state)
        rows = self.data.shape[1]
        velocity[:, :rows] -= left @ pull
        velocity[:, rows:] += right @ pull
        return velocity

    def step(self, state: Array, step_size: float) -> Step:
        left, right = self.factors(state)
        scale = np.full((len(state), 1, 1), step_size)
        weight = 4.0 * self.weight[:, None, None] * scale
        target = self.target[:, None, :] * np.eye(state.shape[-1])
        return Step(
            {"U": left, "V": right},
            {"Y": scale * self.data, "-eta": -scale, "L": -weight * target, "+weight": weight, "-weight": -weight},
            (
                Times("E", "Y", "U", "V'", "-eta"),
                Times("left pull", "L", "U'", "U", "+weight"),
                Times("pull", "left pull", "V'", "V", "-weight"),
                Times("U+", "U", "E", "V"),
                Times("U+", "U+", "U", "pull", -1),
                Times("V+", "V", "E'", "U"),
                Times("V+", "V+", "V", "pull"),
            ),
        )

    def imbalance(self, state: Array) -> None:
        return None

    def local_rate(self, state: Array) -> None:
        return None

    def limit(self, widths: Array) -> Array | None:
        rows = self.data.shape[1]
        limits = regularized_limit(self.data, self.target[:, 0], widths)[0][:, :rows, rows:]
        return np.where(self._is_solvable()[:, None, None], limits, np.nan)

    def gramian(self, state: Array) -> Array:
        return state @ state.mT

    def gramian_limit(self, widths: Array) -> Array:
        limits, unique = regularized_limit(self.data, self.target[:, 0], widths)
        return np.where((self._is_solvable() & unique)[:, None, None], limits, np.nan)

    def loss(self, state: Array) -> Array:
        penalty = squared_norm(self._excess(state)) + self.reduced * self.target[:, 0] ** 2
        return super().loss(state) + self.weight * penalty

    def closed_form(self, times: Array, start: Start) -> tuple[Dynamics, Array]:
        lambda0 = self.target[:, 0]
        if not self._is_solvable().all():
            raise ValueError("the flow of (19) has a closed form for Lambda = lambda0 I at weight 1/8")
        view = RegularizedGramian(self.data, lambda0, self.target.shape[1] + self.reduced)
        return view, closed_forms.regularized(times, self.data, start.factors, lambda0)

    @staticmethod
    def curvature(data: float, left: float, right: float, inputs: float) -> float:
        # The penalty is of degree four too: at weight 1/8 its curvature is at most that of the loss.
        return 2.0 * Asymmetric.curvature(data, left, right, inputs)

    def basis(self) -> Basis | None:
        return Basis.singular(self.data)

    def _is_solvable(self) -> NDArray[np.bool_]:
        return (self.target == self.target[:, :1]).all(axis=1) & (self.weight == 0.125)

    def _excess(self, state: Array) -> Array:
        left, right = self.factors(state)
        return left.mT @ left - right.mT @ right - self.target[:, None, :] * np.eye(state.shape[-1])


@dataclass(frozen=True)
class RegularizedGramian(Dynamics):
    """The regularized model at Lambda = lambda0 I and weight 1/8, seen through its Gramian P = R R^T (21).

    Parameters
    ----------
    data : ndarray, shape (batch, m, n)
    lambda0 : ndarray, shape (batch,)
    width : ndarray, shape (batch,)
        k.
    """

    lambda0: Array
    width: Array

    def product(self, state: Array) -> Array:
        rows = self.data.shape[1]
        return state[:, :rows, rows:]

    def limit(self, widths: Array) -> Array:
        rows = self.data.shape[1]
        return self.gramian_limit(widths)[:, :rows, rows:]

    def gramian(self, state: Array) -> Array:
        return state

    def gramian_limit(self, widths: Array) -> Array:
        return regularized_limit(self.data, self.lambda0, widths)[0]

    def loss(self, state: Array) -> Array:
        rows = self.data.shape[1]
        signs = np.where(np.arange(state.shape[-1]) < rows, 1.0, -1.0)
        # With J = diag(I, -I), Q = R^T J R: its trace is tr(J P), and ||Q||_F^2 = tr(J P J P).
        signed = signs[:, None] * state
        trace = np.trace(signed, axis1=1, axis2=2)
        square = np.trace(signed @ signed, axis1=1, axis2=2)
        penalty = square - 2.0 * self.lambda0 * trace + self.width * self.lambda0**2
        return super().loss(state) + 0.125 * penalty


@dataclass(frozen=True)
class Sigmoid(Dynamics):
    """A model with a sigmoid phi behind its product: the loss is 1/2 ||B - phi(A X)||_F^2 on inputs A and outputs B.

    Parameters
    ----------
    data : ndarray, shape (batch, m, n)
        The teacher's weights W*, which the product X is to recover.
    inputs : ndarray, shape (batch, samples, m)
        A.
    outputs : ndarray, shape (batch, samples, n)
        B.
    """

    inputs: Array
    outputs: Array

    def limit(self, widths: Array) -> None:
        return None

    def local_rate(self, state: Array) -> None:
        return None

    def loss(self, state: Array) -> Array:
        return 0.5 * squared_norm(self.outputs - sigmoid(self.inputs @ self.product(state)))

    def closed_form(self, times: Array, start: Start) -> tuple[Dynamics, Array]:
        raise ValueError("no closed form is known behind a sigmoid")

    def force(self, product: Array) -> Array:
        """Minus the gradient of the loss with respect to X, shape (batch, m, n)."""
        predicted = sigmoid(self.inputs @ product)
        return self.inputs.mT @ ((self.outputs - predicted) * predicted * (1.0 - predicted))


class SigmoidLinear(Sigmoid, Product):
    """One-layer model behind a sigmoid: the state is the product X."""

    name = "sigmoid-linear"

    def velocity(self, state: Array) -> Array:
        return self.force(state)

    @staticmethod
    def curvature(data: float, left: float, right: float, inputs: float) -> float:
        # The slope of a sigmoid is at most 1/4.
        return inputs**2 / 16.0


class SigmoidAsymmetric(Sigmoid, Asymmetric):
    """Two-layer model behind a sigmoid: the state is R = [U; V]. As for any loss of U V^T, Q is conserved."""

    name = "sigmoid-asymmetric"

    @staticmethod
    def curvature(data: float, left: float, right: float, inputs: float) -> float:
        return inputs**2 / 16.0 * Asymmetric.curvature(data, left, right, inputs)


DYNAMICS: dict[str, type[Dynamics]] = {
    dynamics.name: dynamics
    for dynamics in (Linear, Symmetric, Riccati, Asymmetric, Regularized, SigmoidLinear, SigmoidAsymmetric)
}


def regularized_limit(data: Array, lambda0: Array, widths: Array) -> tuple[Array, NDArray[np.bool_]]:
    """R R^T that (21) tends to from generic starts: the positive part of 2 [[lambda0/2 I, Y], [Y^T, -lambda0/2 I]].

    Returns it with whether it is the only one, shape (batch,): a width may leave a choice among equal eigenvalues,
    which are those of directions that X does not depend on unless they are those of modes.
    """
    batch, rows, columns = data.shape
    generator = np.zeros((batch, rows + columns, rows + columns))
    generator[:, :rows, rows:], generator[:, rows:, :rows] = 2.0 * data, 2.0 * data.mT
    signs = np.repeat([1.0, -1.0], [rows, columns])
    generator[:, np.arange(rows + columns), np.arange(rows + columns)] = lambda0[:, None] * signs
    basis = Basis.eigen(generator)
    values = np.maximum(basis.values, 0.0)
    unique = ~np.isnan(reach.leading(values, widths)[:, 0])
    kept = np.where(np.arange(rows + columns) < widths[:, None], values, 0.0)
    return basis.left * kept[:, None, :] @ basis.left.mT, unique


def least_eigenvalue(factor: Array) -> Array:
    """Smallest eigenvalue of F F^T, shape (batch,), for factors F of shape (batch, rows, w)."""
    rows, width = factor.shape[1:]
    return singular_values(factor)[:, -1] ** 2 if width >= rows else np.zeros(len(factor))


def sigmoid(x: Array) -> Array:
    """phi(x) = 1 / (1 + e^{-x})."""
    from scipy.special import expit

    return expit(x)


def squared_norm(matrices: Array) -> Array:
    """Squared Frobenius norms, shape (batch,), of matrices of shape (batch, rows, columns)."""
    flat = matrices.reshape(len(matrices), -1)
    # One dot product a run: a sum over two axes would depend on how NumPy orders the batch.
    return np.vecdot(flat, flat)
