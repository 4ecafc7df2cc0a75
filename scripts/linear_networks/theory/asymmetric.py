"""The asymmetric model: Proposition 3 of spectral starts, saddles of balanced ones, the local rate of all others."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from linear_networks.arrays import Array
from linear_networks.components import Refused
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations.start import Start
from linear_networks.kernels.spectra import singular_values
from linear_networks.losses.squared import Squared
from linear_networks.models.basis import Basis
from linear_networks.models.direct import Direct
from linear_networks.models.factored import Factored
from linear_networks.models.hyperbolic import Hyperbolic
from linear_networks.theory import closed_forms, left_over, rates, reach, two_eigenvalues
from linear_networks.theory.prediction import Facts, Prediction, fallen, prediction, spectral
from linear_networks.theory.theory import Theory, flat

AT_SADDLE, TWO_EIGENVALUES = "spectrum at the saddle", "two eigenvalues of Q"


class Asymmetric(Theory):
    """X = U V^T tends to Y, at the local rate; from a spectral start, each mode at a rate of its own."""

    name = "asymmetric"
    label = "Proposition 3"
    loss, models = Squared, (Factored,)

    def basis(self, problem: Problem) -> Basis:
        return problem.singular

    def kept(self, problem: Problem, widths: Array, start: Start | None = None) -> Array:
        return reach.singular(problem.singular, widths, start)

    def limit(self, problem: Problem, widths: Array) -> Array:
        return problem.singular.part(problem.data, reach.leading(problem.singular.values, widths))

    def local_rate(self, problem: Problem, state: Array) -> Array | None:
        if not isinstance(problem.model, Factored):
            return None
        # E = Y - X obeys dE/dt = -(U U^T E + E V V^T).
        left, right = problem.split(state)
        return least_eigenvalue(left) + least_eigenvalue(right)

    def rate_at(self, problem: Problem, state: Array, step_size: float) -> Array:
        left, right = problem.split(state)
        return rates.local(problem.data, left, right, step_size)

    def check_closed_form(self, start: str, known: bool, parameters: Mapping[str, Any]) -> None:
        if not known:
            raise Refused(
                "method",
                f"has no closed form from a {start} start; try balanced, hyperbolic, identity or spectral, or width: 1",
            )

    def check_kernel(self, start: str, told: bool) -> None:
        if not told:
            message = f"has no closed form of its kernel from such {start} starts; write solver: {{method: flow}}"
            raise Refused("record", message)

    def closed_form(self, problem: Problem, times: Array, start: Start) -> tuple[Problem, Array]:
        view = replace(problem, model=_alone(start, *problem.data.shape[1:]))
        if start.modes is not None:
            return view, flat(closed_forms.asymmetric_spectral(times, *start.modes))
        if start.lambda0 is None:
            raise ValueError("the flow of (10) has a closed form from spectral starts and where Q(0) = lambda0 I")
        data, factors, runs = problem.data, start.factors, len(problem.data)
        lambda0, tau = (np.broadcast_to(part, runs) for part in (start.lambda0, start.tau))
        one, two, found = tau == 0.0, tau > 0.0, np.empty((runs, len(times), *data.shape[1:]))
        found[one] = closed_forms.regularized(times, data[one], factors[one], lambda0[one], product=True)
        found[two] = two_eigenvalues.product(times, data[two], factors[two], lambda0[two], tau[two])
        return view, flat(found)

    def predict(self, facts: Facts) -> dict[str, list[Prediction]]:
        bound = float(rates.lower_bound(np.diag(facts.imbalance), facts.rows, facts.columns))
        if bound <= 1e-12 * np.abs(facts.imbalance).max():
            bound = 0.0  # an eigenvalue that is zero, up to rounding
        unknown = [Prediction()] * len(facts.values)
        if facts.moving is not None and facts.modes is not None:
            of_flow = rates.spectral(facts.values, facts.modes)
            found = rates.descent(of_flow, facts.step_size)
            return spectral(facts, facts.moving, found, of_flow, self.label, bound)
        if fallen(facts).any() and facts.rank >= np.count_nonzero(facts.values) and not facts.tied:
            return _at_saddle(facts, bound)
        if facts.lambda0 is not None and not facts.step_size:
            return {"product": [_of_imbalance(facts, bound)], "mode": unknown}
        local = facts.local if facts.width >= np.count_nonzero(facts.values) else np.nan
        return {"product": [prediction(facts, local, "local rate", bound=bound)], "mode": unknown}


def _of_imbalance(facts: Facts, bound: float) -> Prediction:
    """Where Q(0) = lambda0 I, or has two eigenvalues, of which the paper says nothing."""
    lambda0 = facts.lambda0 or 0.0
    half = float(two_eigenvalues.half_gap(lambda0, facts.tau))
    if facts.tau:
        found = float(two_eigenvalues.rate(facts.values, half, facts.rows, facts.columns))
        return prediction(facts, *left_over.shown(facts, found, half, TWO_EIGENVALUES), bound=bound)
    found = float(rates.regularized_product(facts.values, lambda0, facts.rows, facts.columns, facts.rank))
    return prediction(facts, *left_over.shown(facts, found, half, "spectrum of S~"), paper_exponent(facts), bound)


def _alone(start: Start, rows: int, columns: int) -> Direct:
    """The model of X on its own, which knows its kernel where Q(0) has two eigenvalues, and at h = |lambda0| / 2 where
    the side that the larger one is on has its full rank."""
    if start.lambda0 is None:
        return Direct()
    lambda0 = np.broadcast_to(start.lambda0, len(start.factors))
    needed = np.select([lambda0 > 0.0, lambda0 < 0.0], [rows, columns], 0)
    known = np.linalg.matrix_rank(start.factors) >= needed
    return Hyperbolic(np.where(known, two_eigenvalues.half_gap(lambda0, start.tau), np.nan))


def _at_saddle(facts: Facts, bound: float) -> dict[str, list[Prediction]]:
    """Balanced factors of a square X whose determinant has the other sign than that of Y.

    They end at the best approximation of rank m - 1. There U and V deviate from it by e^{-sigma_m t} in the last mode,
    whose value is the product of both, and by e^{-(sigma_i - sigma_m) t} between it and mode i, which X is linear in.
    """
    values, unknown = facts.values, [Prediction()] * (len(facts.values) - 1)
    if fallen(facts)[:-1].any() or facts.lambda0 != 0.0:
        return {"product": [prediction(facts, np.nan, "", bound=bound)], "mode": [*unknown, Prediction()]}
    mode = 2.0 * float(rates.descent(values[-1], facts.step_size))
    gap = float(rates.descent(values[-2] - values[-1], facts.step_size)) if len(values) > 1 else np.inf
    return {
        "product": [prediction(facts, min(mode, gap), AT_SADDLE, bound=bound)],
        "mode": [*unknown, prediction(facts, mode, AT_SADDLE)],
    }


def paper_exponent(facts: Facts) -> float:
    """The exponent that Proposition 5 states (with the modulus of lambda0, which is meant)."""
    lambda0 = abs(facts.lambda0 or 0.0)
    if facts.width < len(facts.values):
        return np.nan
    return float(np.hypot(2.0 * facts.values.min(), lambda0)) if facts.rows == facts.columns else lambda0


def least_eigenvalue(factor: Array) -> Array:
    """Smallest eigenvalue of F F^T, shape (batch,), for factors F of shape (batch, rows, w)."""
    rows, width = factor.shape[1:]
    return singular_values(factor)[:, -1] ** 2 if width >= rows else np.zeros(len(factor))
