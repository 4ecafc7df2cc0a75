"""What every source of data matrices is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from linear_networks.arrays import Array
from linear_networks.components import Component, Parameter, Refused

# Between them, what is measured of Y can be told from 0 and stays finite: squares, and products of several factors.
SMALLEST, LARGEST = 1e-50, 1e50


class Data(NamedTuple):
    """A data matrix Y, and the samples behind it where training needs them.

    Attributes
    ----------
    values : ndarray, shape (rows, columns)
    inputs, outputs : ndarray, shapes (samples, rows) and (samples, columns), or None
    """

    values: Array
    inputs: Array | None = None
    outputs: Array | None = None


class Source(Component, ABC):
    """Base of the sources of data matrices.

    Its methods take the parameters of one point of a grid by name. Of a source that reads a file, those that say what
    to read are replaced by the arrays that were read.

    Attributes
    ----------
    reads : {None, "matrix", "table"}
        What the file of the parameter `path` holds: a `matrix`, read as `values`, shape (rows, columns), or a `table`,
        read as `features`, shape (samples, n), and `targets`, shape (samples, m). None where the matrix is drawn.
    has_samples : bool
        Whether its data have inputs and outputs, which some losses need.
    loss : mapping
        The block `loss` of the config that holds where there is none.
    """

    reads: ClassVar[str | None] = None
    has_samples: ClassVar[bool] = False
    loss: ClassVar[Mapping[str, Any]] = {"kind": "squared"}

    @staticmethod
    @abstractmethod
    def draw(*_: Any, **parameters: Any) -> Data:
        """One matrix.

        Parameters
        ----------
        rng : numpy.random.Generator
            First, where the matrix is drawn.
        **parameters
        """

    @staticmethod
    @abstractmethod
    def shape(*_: Any, **parameters: Any) -> tuple[int, int]:
        """Rows and columns of the matrix."""

    @staticmethod
    def check(*_: Any, **parameters: Any) -> None:
        """Raise Refused where parameters do not fit each other."""

    @staticmethod
    def check_symmetric(*_: Any, **parameters: Any) -> None:
        """Raise Refused where the matrix is not symmetric."""
        raise Refused(
            "", "symmetric dynamics need a symmetric matrix: rows = columns and symmetric: true, or source: file"
        )

    @staticmethod
    def expected_norm(*_: Any, **parameters: Any) -> float:
        """Spectral norm to expect of Y that is drawn."""
        return 0.0

    @staticmethod
    def expected_input_norm(*_: Any, **parameters: Any) -> float:
        """Spectral norm to expect of the inputs; 0 where there are none."""
        return 0.0


def check_size(key: str, largest: float) -> None:
    """Raise Refused where the largest number of a matrix is outside of what relative errors can be computed of.

    Parameters
    ----------
    key : str
        Of the config, that the matrix hangs on.
    largest : float
        In absolute value, of the entries or the spectrum.
    """
    if not SMALLEST <= largest <= LARGEST:
        allowed = f"{SMALLEST:g} to {LARGEST:g}, in which relative errors can be computed"
        raise Refused(key, f"the largest number of Y is {largest:.1e}, outside of {allowed}; write it in another unit")


class Drawn(Source):
    """Base of the sources that draw a matrix of a given shape, symmetric or not."""

    parameters = {
        "rows": Parameter("rows m of Y", int, least=1, symbol="m"),
        "columns": Parameter("columns n of Y", int, least=1, symbol="n"),
        "symmetric": Parameter("whether Y is drawn symmetric", bool, False, axis=False),
    }

    @staticmethod
    def shape(*, rows: int, columns: int, **_: Any) -> tuple[int, int]:
        return rows, columns

    @staticmethod
    def check(*_: Any, **parameters: Any) -> None:
        if parameters.get("symmetric") and parameters["rows"] != parameters["columns"]:
            raise Refused(
                "symmetric",
                "a symmetric matrix needs rows and columns to be equal; other sizes are other blocks of matrix",
            )

    @staticmethod
    def check_symmetric(*, symmetric: bool = False, **_: Any) -> None:
        if not symmetric:
            Source.check_symmetric()
