"""What every theory says of itself."""

from collections.abc import Mapping
from typing import Any, ClassVar

from linear_networks.arrays import Array
from linear_networks.components import Component, Refused
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations.start import Start
from linear_networks.losses.loss import Loss
from linear_networks.models.basis import Basis
from linear_networks.models.model import Model
from linear_networks.penalties.penalty import Penalty
from linear_networks.theory.prediction import Facts, Prediction


class Theory(Component):
    """What is known of the problems of one loss and some models. What a theory does not define is not known.

    Attributes
    ----------
    loss : type of Loss, or None
    models : tuple of types of Model
    penalty : type of Penalty, or None
    eigenvalues : bool
        Whether the modes of X are eigenvalues rather than singular values.
    splits : bool
        Whether what is linear in the factors and what is quadratic decay at one rate of the flow, which descent splits.
    """

    loss: ClassVar[type[Loss] | None] = None
    models: ClassVar[tuple[type[Model], ...]] = ()
    penalty: ClassVar[type[Penalty] | None] = None
    eigenvalues: ClassVar[bool] = False
    splits: ClassVar[bool] = False

    @classmethod
    def applies(cls, loss: type[Loss], model: type[Model], penalties: tuple[type[Penalty], ...]) -> bool:
        """Whether it is about problems of these parts."""
        wanted = () if cls.penalty is None else (cls.penalty,)
        return loss is cls.loss and model in cls.models and penalties == wanted

    def limit(self, problem: Problem, widths: Array) -> Array | None:
        """Product that generic starts of widths k, shape (batch,), tend to; None or NaN where it is not known."""
        return None

    def basis(self, problem: Problem) -> Basis | None:
        """The basis in which Y is diagonal, where the problem is the same in every basis of rows and columns."""
        return None

    def kept(self, problem: Problem, widths: Array, start: Start | None = None) -> Array | None:
        """Modes of Y, in the order of `basis`, that the product of this start keeps, shape (batch, p).

        The others are 0, or NaN where it is not known which. None where the limit does not have the modes of Y. Without
        a start, generic starts of the given widths are meant.
        """
        return None

    def local_rate(self, problem: Problem, state: Array) -> Array | None:
        """Rate at which ||Y - X|| decays at least at this state, shape (batch,); None where that is not known.

        Where X tends to Y it tends to the rate of convergence.
        """
        return None

    def rate_at(self, problem: Problem, state: Array, step_size: float) -> Array | None:
        """Rate of convergence of ||Y - X|| to the limit that this state is near, shape (batch,); None if not known.

        By descent of a step size, or by the flow if that is 0. NaN where the state is too far from it to tell.
        """
        return None

    def gramian(self, problem: Problem, state: Array) -> Array | None:
        """R R^T, shape (batch, m + n, m + n), where its convergence is a question of its own, else None."""
        return None

    def gramian_limit(self, problem: Problem, widths: Array) -> Array | None:
        """What the Gramian tends to; None or NaN as for `limit`."""
        return None

    def check_closed_form(self, start: str, known: bool, parameters: Mapping[str, Any]) -> None:
        """Raise `Refused` where it has no closed form.

        Parameters
        ----------
        start : str
            Kind of the initialization.
        known : bool
            Whether starts of that kind know what a closed form of U V^T needs of them.
        parameters : mapping
            Of the dynamics.
        """
        raise Refused("method", "has no closed form; write flow")

    def check_kernel(self, start: str, told: bool) -> None:
        """Raise `Refused` where its closed form does not know the tangent kernel.

        Parameters
        ----------
        start : str
            Kind of the initialization.
        told : bool
            Whether starts of that kind tell the kernel of U V^T from X.
        """
        return

    def closed_form(self, problem: Problem, times: Array, start: Start) -> tuple[Problem, Array]:
        """A problem whose state is known at every time, and its states, shape (batch, samples, entries).

        Raises
        ------
        ValueError
            If there is none from this start.
        """
        raise ValueError("no closed form is known")

    def lambda0(self, run: Mapping[str, Any]) -> float | None:
        """lambda_0 of a row of runs where its predictions rest on one."""
        return run["start_lambda0"]

    def tau(self, run: Mapping[str, Any]) -> float | None:
        """tau of a row of runs, which belongs to its lambda_0."""
        return run["start_tau"]

    def mode_imbalances(self, run: Mapping[str, Any]) -> Array | float:
        """What moves each mode of a row of runs whose start is diagonal in the basis of Y, beside what is there."""
        return 0.0 if run["mode_imbalances"] is None else run["mode_imbalances"]

    def predict(self, facts: Facts) -> dict[str, list[Prediction]]:
        """Predictions by quantity: `product` ||X - X(inf)||_F, `mode` |sigma_i(t) - sigma_i(inf)|, `gramian` of R R^T.

        One for `product` and `gramian`, one a mode for `mode`; a quantity of which nothing is known is left out.
        """
        return {}


def flat(products: Array) -> Array:
    """States, shape (batch, samples, entries), of matrices of shape (batch, samples, rows, columns)."""
    return products.reshape(*products.shape[:2], -1)
