"""Problems of every dynamics with every loss that it descends, made from their declarations.

A component that is listed is in here, and is tested by that.
"""

from contextlib import suppress
from itertools import product
from typing import NamedTuple

import numpy as np

from linear_networks.components import REQUIRED, Refused
from linear_networks.dynamics import DYNAMICS
from linear_networks.initializations import INITIALIZATIONS, draw, stack
from linear_networks.losses import LOSSES
from linear_networks.matrices.source import Data

# Models and penalties are listed by the dynamics that are made of them.
MODELS = {dynamics.model.name: dynamics.model for dynamics in DYNAMICS.values()}
PENALTIES = {dynamics.penalty.name: dynamics.penalty for dynamics in DYNAMICS.values() if dynamics.penalty}


def number(parameter, place):
    """A number within the bounds of a parameter: its default first, if it has one."""
    if place == 0 and isinstance(parameter.default, int | float):
        return parameter.default
    low = max(bound for bound in (parameter.least, parameter.above, 0.0) if bound is not None)
    step = 0.2 if parameter.most is None else min(0.2, (parameter.most - low) / 10.0)
    return int(low + 1 + place) if parameter.kind is int else low + step * (1.5 + place % 5)


def kinds(parameter, size, zeros=False):
    """The kinds of values of a parameter, each as a function of the number of a run; vectors have so many numbers."""
    if parameter.kind is bool:
        return [lambda run: False, lambda run: True]
    if parameter.kind is str:
        return [lambda run, word=word: word for word in parameter.words]
    found = []
    if parameter.default is None:
        found.append(lambda run: None)
    if parameter.vector is not True:
        found.append(lambda run: number(parameter, run))
    if parameter.vector is not False:
        found.append(lambda run: [number(parameter, run + place) for place in range(size)])
    if zeros and parameter.vector is not True and parameter.above is None and (parameter.least or 0.0) <= 0.0:
        found.append(lambda run: 0.0)
    return found


def settings(component, size=1, runs=1, zeros=False):
    """The parameters of so many runs, for every combination of kinds of values; what is left out is not in them."""
    found = []
    for chosen in product(*(kinds(parameter, size, zeros) for parameter in component.parameters.values())):
        values = [
            {name: kind(run) for name, kind in zip(component.parameters, chosen, strict=True)} for run in range(runs)
        ]
        found.append([{name: value for name, value in one.items() if value is not None} for one in values])
    return found


class Drawn(NamedTuple):
    """A batch of problems, factors of full width to start from, and the parameters of dynamics and loss."""

    problem: object
    factors: np.ndarray
    parameters: list
    of_loss: dict


class Case(NamedTuple):
    """A dynamics with a loss, of one kind of parameters each."""

    dynamics: type
    loss: type
    kind: int = 0
    loss_kind: int = 0

    @property
    def id(self):
        words = [self.dynamics.name, self.loss.name, *map(str, settings(self.loss)[self.loss_kind][0].values())]
        return "-".join([*words, *(f"kind {kind}" for kind in [self.kind] if kind)])

    def draw(self, seed=0, rows=3, columns=4, width=5, runs=2, scale=1.0, reduced=None):
        """Problems of random data; for factors with `reduced` columns where that is given."""
        rng = np.random.default_rng(seed)
        columns = rows if self.dynamics.symmetric else columns
        data = [draw_data(rng, rows, columns, self.dynamics.symmetric) for _ in range(runs)]
        factors = scale * rng.standard_normal((runs, rows + columns, width))
        if self.dynamics.symmetric:
            factors[:, rows:] = factors[:, :rows]
        return self.on(data, factors, reduced)

    def on(self, data, factors, reduced=None):
        """Problems of this data."""
        runs, width = len(factors), factors.shape[-1]
        (of_loss,) = settings(self.loss)[self.loss_kind]
        parameters = settings(self.dynamics, width, runs)[self.kind]
        loss = self.loss.of(data, of_loss)
        problem = self.dynamics.problem(loss, reduced or width, np.full(runs, width), parameters)
        return Drawn(problem, factors, parameters, of_loss)


def draw_data(rng, rows, columns, symmetric=False, samples=30):
    """Standard normal Y, samples of inputs of a norm of about 1, and outputs between 0 and 1."""
    values = rng.standard_normal((rows, columns))
    values = values + values.T if symmetric else values
    inputs = rng.standard_normal((samples, rows)) / np.sqrt(samples)
    return Data(values, inputs, rng.random((samples, columns)))


def cases():
    """Every dynamics with every loss that it descends, and every kind of their parameters."""
    return [
        Case(dynamics, LOSSES[name], kind, loss_kind)
        for dynamics in DYNAMICS.values()
        for name in dynamics.losses or LOSSES
        for kind in range(len(settings(dynamics)))
        for loss_kind in range(len(settings(LOSSES[name])))
    ]


def is_symmetric(model):
    """Whether a model is for symmetric X."""
    return any(dynamics.symmetric for dynamics in DYNAMICS.values() if type(dynamics.model) is type(model))


def slope(function, place, direction, nudge=1e-6):
    """Derivative of a function of arrays, or lists of arrays, along a direction, by a central difference."""
    ends = [
        function([part + sign * nudge * way for part, way in zip(place, direction, strict=True)]) for sign in (1, -1)
    ]
    return (ends[0] - ends[1]) / (2.0 * nudge)


def inner(left, right):
    """Inner products of each run, shape (batch,), of lists of arrays."""
    return sum(np.vecdot(a.reshape(len(a), -1), b.reshape(len(b), -1)) for a, b in zip(left, right, strict=True))


def made(solver):
    """A solver with its defaults, and small steps."""
    parameters = solver.parameters.items()
    return solver(**{name: 0.01 if one.default is REQUIRED else one.default for name, one in parameters})


def starts(case, data, width, seed=0):
    """Starts of every kind that a case can have: its kind, whether closed forms know what they need, and the start."""
    rows, columns = data.shape
    for kind, initialization in INITIALIZATIONS.items():
        for (parameters,) in settings(initialization, min(rows, columns), zeros=True):
            tied = parameters.get("tied", False)
            if tied != case.dynamics.symmetric or (initialization.needs_symmetric(**parameters) and not tied):
                continue
            with suppress(Refused):
                initialization.check(rows, columns, width, **parameters)
                start = draw(kind, np.random.default_rng(seed), data, width, **parameters)
                yield kind, initialization.knows(**parameters), stack([start])
