"""The product of the asymmetric model from an imbalance of two eigenvalues."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from linear_networks.arrays import Array
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations.start import Start
from linear_networks.losses.squared import Squared
from linear_networks.models.basis import Basis
from linear_networks.models.hyperbolic import Hyperbolic
from linear_networks.theory import closed_forms, left_over, rates, reach, two_eigenvalues
from linear_networks.theory.prediction import Facts, Prediction, fallen, prediction, spectral
from linear_networks.theory.theory import Theory, flat


class EndToEnd(Theory):
    """X tends to Y at a rate that h alone changes; at h = 0, balanced factors keep the rank of X(0)."""

    name = "end-to-end"
    label = "two eigenvalues of Q"
    loss, models = Squared, (Hyperbolic,)

    def basis(self, problem: Problem) -> Basis:
        return Basis.singular(problem.data)

    def kept(self, problem: Problem, widths: Array, start: Start | None = None) -> Array:
        if start is None:
            return reach.leading(Basis.singular(problem.data).values, np.where(_half(problem) > 0.0, np.inf, widths))
        basis = Basis.singular(problem.data)
        whole = np.full(len(widths), basis.values.shape[1])
        if start.modes is not None:
            return reach.leading(basis.values, whole, (start.modes.products > 0.0) | (_half(problem) > 0.0)[:, None])
        return reach.singular(basis, whole, Start(*_realized(problem, start)))

    def limit(self, problem: Problem, widths: Array) -> Array:
        return Basis.singular(problem.data).part(problem.data, self.kept(problem, widths))

    def local_rate(self, problem: Problem, state: Array) -> Array:
        # E = Y - X obeys dE/dt = -(A E + E B).
        assert isinstance(problem.model, Hyperbolic)
        left, right = problem.model.spectra(problem.product(state))
        return left[:, -1] + right[:, -1]

    def check_closed_form(self, start: str, known: bool, parameters: Mapping[str, Any]) -> None:
        return

    def closed_form(self, problem: Problem, times: Array, start: Start) -> tuple[Problem, Array]:
        if start.modes is not None:
            alone = start.modes._replace(
                imbalances=np.broadcast_to(2.0 * _half(problem)[:, None], start.modes.products.shape)
            )
            return problem, flat(closed_forms.asymmetric_spectral(times, *alone))
        factors, lambda0 = _realized(problem, start)
        return problem, flat(closed_forms.regularized(times, problem.data, factors, lambda0, product=True))

    def lambda0(self, run: Mapping[str, Any]) -> float | None:
        return run["lambda0"]

    def tau(self, run: Mapping[str, Any]) -> float | None:
        return run["tau"]

    def mode_imbalances(self, run: Mapping[str, Any]) -> float:
        return 2.0 * float(two_eigenvalues.half_gap(run["lambda0"], run["tau"]))

    def predict(self, facts: Facts) -> dict[str, list[Prediction]]:
        half = float(two_eigenvalues.half_gap(facts.lambda0 or 0.0, facts.tau))
        if facts.moving is not None:
            of_flow = rates.spectral(facts.values, 2.0 * half)
            found = rates.descent(of_flow, facts.step_size)
            return spectral(facts, facts.moving, found, of_flow, self.label, 2.0 * half)
        unknown = [Prediction()] * len(facts.values)
        # P of X at h > 0 has rank m + n, whatever factors X(0) is the product of.
        rank = facts.rows + facts.columns if half else min(facts.rank, len(facts.values))
        if fallen(facts).any() and rank >= np.count_nonzero(facts.values):
            return {"product": [Prediction()], "mode": unknown}
        slowest = float(two_eigenvalues.rate(facts.values, half, facts.rows, facts.columns, rank))
        slowest, by = left_over.shown(facts, slowest, half, self.label)
        one = float(rates.descent(slowest, facts.step_size))
        return {"product": [prediction(facts, one, by, bound=2.0 * half)], "mode": unknown}


def _half(problem: Problem) -> Array:
    """h of each run."""
    assert isinstance(problem.model, Hyperbolic)
    return np.broadcast_to(problem.model.half, len(problem.data))


def _realized(problem: Problem, start: Start) -> tuple[Array, Array]:
    """Factors of the X(0) of a start that move it as the problem does, and their lambda0, which is 2 h or -2 h."""
    _, rows, columns = problem.data.shape
    factors = problem.model.realized(start.factors[:, :rows], start.factors[:, rows:])
    return np.concatenate(factors, axis=1), (2.0 if rows <= columns else -2.0) * _half(problem)
