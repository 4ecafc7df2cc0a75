"""Tasks for a one-layer model behind a sigmoid."""

from typing import Any

import numpy as np

from linear_networks.arrays import gaussian_norm
from linear_networks.components import Parameter
from linear_networks.matrices.source import Data, Source


class Teacher(Source):
    """Standard normal weights W* of a teacher behind a sigmoid, and samples that it labels (Figure 3)."""

    name, label = "teacher", "teacher behind a sigmoid"
    has_samples = True
    loss = {"kind": "regression", "link": "sigmoid"}
    parameters = {
        "samples": Parameter("number of samples that a teacher labels", int, least=1, column="examples"),
        "features": Parameter("inputs of a teacher, and its outputs", int, least=1),
        "noise": Parameter("standard deviation of the noise on a teacher's labels", least=0.0),
    }

    @staticmethod
    def draw(rng: np.random.Generator, samples: int, features: int, noise: float) -> Data:
        """Weights, shape (features, features), inputs A, shape (samples, features), and outputs φ(A W*) + noise."""
        from scipy.special import expit

        weights = rng.standard_normal((features, features))
        inputs = rng.standard_normal((samples, features))
        outputs = expit(inputs @ weights) + noise * rng.standard_normal((samples, features))
        return Data(weights, inputs, outputs)

    @staticmethod
    def shape(*, features: int, **_: Any) -> tuple[int, int]:
        return features, features

    @staticmethod
    def expected_norm(*, features: int, **_: Any) -> float:
        return gaussian_norm(features, features)

    @staticmethod
    def expected_input_norm(*, samples: int, features: int, **_: Any) -> float:
        return gaussian_norm(samples, features)
