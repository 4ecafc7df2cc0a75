"""The one-layer model, equation (4)."""

from collections.abc import Mapping
from typing import Any

from linear_networks.arrays import Array
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations.start import Start
from linear_networks.kernels.spectra import singular_values
from linear_networks.losses.squared import Squared
from linear_networks.models.direct import Direct
from linear_networks.theory import closed_forms, rates
from linear_networks.theory.prediction import Facts, Prediction, prediction
from linear_networks.theory.theory import Theory, flat


class OneLayer(Theory):
    """X - Y decays as e^{-t}, whatever the start."""

    name = "one-layer"
    label = "equation (4)"
    loss, models = Squared, (Direct,)

    def limit(self, problem: Problem, widths: Array) -> Array:
        return problem.data

    def kept(self, problem: Problem, widths: Array, start: Start | None = None) -> Array:
        return singular_values(problem.data)

    def check_closed_form(self, start: str, known: bool, parameters: Mapping[str, Any]) -> None:
        return

    def closed_form(self, problem: Problem, times: Array, start: Start) -> tuple[Problem, Array]:
        states = problem.start(start.factors).reshape(problem.data.shape)
        return problem, flat(closed_forms.linear(times, problem.data, states))

    def predict(self, facts: Facts) -> dict[str, list[Prediction]]:
        one = prediction(facts, float(rates.descent(1.0, facts.step_size)), self.label, 1.0)
        return {"product": [one], "mode": [one] * len(facts.values)}
