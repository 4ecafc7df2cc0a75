"""The asymmetric model with its imbalance held to lambda_0 I: Proposition 5."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from linear_networks.arrays import Array, Index, Mask
from linear_networks.components import Refused
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations.start import Start
from linear_networks.kernels.spectra import singular_values
from linear_networks.losses.squared import Squared
from linear_networks.models import tangent
from linear_networks.models.basis import Basis
from linear_networks.models.factored import Factored
from linear_networks.penalties.imbalance import WEIGHT, Imbalance
from linear_networks.theory import closed_forms, rates, reach
from linear_networks.theory.asymmetric import paper_exponent
from linear_networks.theory.prediction import Facts, Prediction, prediction
from linear_networks.theory.theory import Theory, flat


class Proposition5(Theory):
    """At a weight of 1/8, R R^T tends to the positive part of 2 S~, and X to its block."""

    name = "proposition-5"
    label = "Proposition 5"
    loss, models, penalty = Squared, (Factored,), Imbalance
    splits = True

    def basis(self, problem: Problem) -> Basis:
        return Basis.singular(problem.data)

    def limit(self, problem: Problem, widths: Array) -> Array:
        rows, penalty = problem.data.shape[1], _penalty(problem)
        limits = gramian_limit(problem.data, penalty.target[:, 0], widths)[0][:, :rows, rows:]
        return np.where(_is_solvable(penalty)[:, None, None], limits, np.nan)

    def gramian(self, problem: Problem, state: Array) -> Array:
        if isinstance(problem, GramianView):
            return problem.split(state)[0]
        factors = np.concatenate(problem.split(state), axis=1)
        return factors @ factors.mT

    def gramian_limit(self, problem: Problem, widths: Array) -> Array:
        penalty = _penalty(problem)
        limits, unique = gramian_limit(problem.data, penalty.target[:, 0], widths)
        return np.where((_is_solvable(penalty) & unique)[:, None, None], limits, np.nan)

    def check_closed_form(self, start: str, known: bool, parameters: Mapping[str, Any]) -> None:
        if parameters["weight"] != WEIGHT:
            raise Refused("method", f"has a closed form for weight: {WEIGHT} only")
        if isinstance(parameters["lambda0"], list):
            raise Refused("method", "has a closed form for one lambda0, not for a diagonal of several")

    def closed_form(self, problem: Problem, times: Array, start: Start) -> tuple[Problem, Array]:
        penalty = _penalty(problem)
        if not _is_solvable(penalty).all():
            raise ValueError("the flow of (19) has a closed form for Lambda = lambda0 I at weight 1/8")
        lambda0 = penalty.target[:, 0]
        widths = penalty.target.shape[1] + penalty.reduced
        view = GramianView(problem.loss, problem.model, problem.penalties, lambda0=lambda0, width=widths)
        return view, flat(closed_forms.regularized(times, problem.data, start.factors, lambda0))

    def lambda0(self, run: Mapping[str, Any]) -> float | None:
        return run["lambda0"] if run["weight"] == WEIGHT else None

    def tau(self, run: Mapping[str, Any]) -> float:
        return 0.0

    def predict(self, facts: Facts) -> dict[str, list[Prediction]]:
        unknown = [Prediction()] * len(facts.values)
        if facts.lambda0 is None:
            return {"product": [Prediction()], "mode": unknown, "gramian": [Prediction()]}
        return {
            "product": [_of_generator(facts, rates.regularized_product, "spectrum of S~")],
            "mode": unknown,
            "gramian": [_of_generator(facts, rates.regularized_gramian, self.label)],
        }


@dataclass(frozen=True)
class GramianView(Problem):
    """The problem at Lambda = lambda0 I and weight 1/8, seen through its Gramian P = R R^T (21), its only factor.

    Parameters
    ----------
    lambda0, width : ndarray, shape (batch,)
        lambda_0, and k.
    """

    lambda0: Array = field(kw_only=True)
    width: Array = field(kw_only=True)

    def select(self, runs: Index | Mask) -> Self:
        return replace(super().select(runs), lambda0=self.lambda0[runs], width=self.width[runs])

    def split(self, state: Array) -> list[Array]:
        side = sum(self.data.shape[1:])
        return [state.reshape(-1, side, side)]

    def product(self, state: Array) -> Array:
        rows = self.data.shape[1]
        return self.split(state)[0][:, :rows, rows:]

    def tangent_kernel(self, state: Array) -> Array:
        (gramian,), rows = self.split(state), self.data.shape[1]
        return tangent.coordinates(gramian[:, :rows, :rows], gramian[:, rows:, rows:])

    def spectrum(self, state: Array, product: Array | None = None) -> Array:
        return singular_values(self.product(state) if product is None else product)

    def objective(self, state: Array, product: Array | None = None) -> Array:
        (gramian,) = self.split(state)
        rows = self.data.shape[1]
        signs = np.where(np.arange(gramian.shape[-1]) < rows, 1.0, -1.0)
        # With J = diag(I, -I), Q = R^T J R: its trace is tr(J P), and ||Q||_F^2 = tr(J P J P).
        signed = signs[:, None] * gramian
        trace = np.trace(signed, axis1=1, axis2=2)
        square = np.trace(signed @ signed, axis1=1, axis2=2)
        penalty = square - 2.0 * self.lambda0 * trace + self.width * self.lambda0**2
        return self.loss.value(self.product(state) if product is None else product) + WEIGHT * penalty


def gramian_limit(data: Array, lambda0: Array, widths: Array) -> tuple[Array, Mask]:
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


def _penalty(problem: Problem) -> Imbalance:
    (penalty,) = problem.penalties
    assert isinstance(penalty, Imbalance)
    return penalty


def _is_solvable(penalty: Imbalance) -> Mask:
    return (penalty.target == penalty.target[:, :1]).all(axis=1) & (penalty.weight == WEIGHT)


def _of_generator(facts: Facts, rate: Callable[..., Array], by: str) -> Prediction:
    """Prediction of a rate that the eigenvalues of S~ make."""
    found = rate(facts.values, facts.lambda0, facts.rows, facts.columns, facts.rank, facts.step_size)
    return prediction(facts, float(found), by, paper_exponent(facts))
