"""The symmetric model: Propositions 1 and 2, Corollary 1."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from linear_networks.arrays import Array
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations.start import Start
from linear_networks.losses.squared import Squared
from linear_networks.models.basis import Basis
from linear_networks.models.metric import Metric
from linear_networks.models.tied import Tied
from linear_networks.theory import closed_forms, rates, reach
from linear_networks.theory.prediction import Facts, Prediction, prediction, spectral
from linear_networks.theory.theory import Theory, flat


class Symmetric(Theory):
    """X = U U^T tends to the positive part of Y, every eigenvalue at a rate of its own."""

    name = "symmetric"
    label = "Corollary 1"
    loss, models, eigenvalues = Squared, (Tied, Metric), True

    def basis(self, problem: Problem) -> Basis:
        return problem.eigen

    def kept(self, problem: Problem, widths: Array, start: Start | None = None) -> Array:
        return reach.positive(problem.eigen, widths, start)

    def limit(self, problem: Problem, widths: Array) -> Array:
        return problem.eigen.part(problem.data, self.kept(problem, widths))

    def check_closed_form(self, start: str, known: bool, parameters: Mapping[str, Any]) -> None:
        return

    def closed_form(self, problem: Problem, times: Array, start: Start) -> tuple[Problem, Array]:
        left = start.factors[:, : problem.data.shape[1]]
        return replace(problem, model=Metric()), flat(closed_forms.symmetric(times, problem.data, left))

    def predict(self, facts: Facts) -> dict[str, list[Prediction]]:
        values, step_size, factored = facts.values, facts.step_size, facts.factored
        if facts.moving is not None:
            found, of_flow = rates.spectral_modes(values, step_size, factored), rates.spectral_modes(values)
            return spectral(facts, facts.moving, found, of_flow, self.label)
        of_flow = rates.symmetric_modes(values, facts.rank)
        found = rates.symmetric_modes(values, facts.rank, step_size, factored)
        modes = [prediction(facts, *rate) for rate in zip(found, [self.label] * len(found), of_flow, strict=True)]
        paper = float(rates.symmetric(values, facts.rank))
        product = float(rates.symmetric(values, facts.rank, step_size, factored))
        return {"product": [prediction(facts, product, "Proposition 2", paper)], "mode": modes}
