"""What a kind of figure says of itself: what it needs, what it shows, how it is drawn, and the words around it."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from linear_networks.components import Component, Parameter, Refused
from linear_networks_workflow.errors import InputError
from linear_networks_workflow.figures.tables import Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from linear_networks_workflow.figures.libraries import pd


def axis(meaning: str) -> Parameter:
    """An option that names an axis of the experiments, by its column in `runs`."""
    return Parameter(f"axis of the experiment, {meaning}", kind=str, axis=False, unit="")


class Kind(Component, ABC):
    """A kind of figure.

    Its parameters are the options of a figure in the config beside `experiment` and `where`. Each names an axis.

    Attributes
    ----------
    many : bool
        Whether it may be of several experiments.
    section : str
        Section of the paper that it belongs to, by which the report sorts.
    dynamics : tuple of str
        Those that an experiment has to list.
    shows : tuple of str, or None
        The axes that it shows beside those that its options name; None for all. The others are held at one value.
    past_stability : bool
        Whether it shows where stability ends, so that step sizes past the limit are meant.
    needs : mapping of str to tuple of str
        The columns that it is drawn from, by stage. Those that its options name are added to `runs`.
    caption : str
        In reStructuredText: what is shown, then what to see in it where theory holds, and what the numbers below are.
    example : str
        A small config, in YAML, with a figure of this kind.
    """

    many: ClassVar[bool] = True
    section: ClassVar[str]
    dynamics: ClassVar[tuple[str, ...]] = ()
    shows: ClassVar[tuple[str, ...] | None] = ()
    past_stability: ClassVar[bool] = False
    needs: ClassVar[Mapping[str, tuple[str, ...]]]
    caption: ClassVar[str]
    example: ClassVar[str]

    def __init_subclass__(cls) -> None:
        """Raise TypeError if a declaration is missing or wrong."""
        super().__init_subclass__()
        where = f"{cls.__module__}.{cls.__qualname__}"
        for attribute in ("section", "caption", "example"):
            if not getattr(cls, attribute, "").strip():
                raise TypeError(f"{where} declares no {attribute}")
        for stage, columns in {"runs": (), **getattr(cls, "needs", {})}.items():
            # Rows are chosen by their run; a matrix belongs to several.
            if "run" not in columns and stage != "matrices":
                raise TypeError(f"{where} needs the column run of {stage}")
        for name in {"draw", "numbers"} & vars(cls).keys():
            _, *options = inspect.signature(getattr(cls, name)).parameters
            if options != list(cls.parameters):
                raise TypeError(f"{where}: {name} has the options {options}, not {list(cls.parameters)}")

    @classmethod
    def check(cls, experiment: Mapping[str, Any]) -> None:
        """Refuse an experiment that this kind cannot draw.

        Parameters
        ----------
        experiment : mapping
            The part of a block of `experiments` of the config that the figure draws, with its defaults and every
            component as a list of points; its `loss` is the list of all that it descends. Beside them, `shapes` are
            those of its Y, and `wide` is, of every width k and start, k and what `when_wide` says of the start.

        Raises
        ------
        Refused
            Its message goes on after the name of the experiment.
        """
        missing = set(cls.dynamics).difference(block["name"] for block in experiment["dynamics"])
        if missing:
            raise Refused("", f"needs the dynamics {', '.join(sorted(missing))} as well")

    @classmethod
    def drawn(cls, options: Mapping[str, str]) -> set[str] | None:
        """The axes that a figure with some options shows; None for all."""
        return None if cls.shows is None else {*cls.shows, *options.values()}

    @classmethod
    def columns(cls, options: Mapping[str, str], where: Mapping[str, Any]) -> dict[str, list[str]]:
        """The columns to load, by stage: those that are drawn, and those that rows are chosen by."""
        needed = {stage: set(columns) for stage, columns in cls.needs.items()}
        needed["runs"] |= {*options.values(), *where}
        return {stage: sorted(columns) for stage, columns in needed.items()}

    @staticmethod
    @abstractmethod
    def draw(tables: Tables, *_: Any, **options: Any) -> Figure:
        """The figure, from the rows of the stages that it needs, of the runs that it is of."""

    @staticmethod
    @abstractmethod
    def numbers(tables: Tables, *_: Any, **options: Any) -> pd.DataFrame:
        """What a reader should take from the figure, in a few rows: it stands below the caption."""


def present(rows: pd.DataFrame, what: str) -> pd.DataFrame:
    """Rows that are to be drawn. Raise InputError where there are none of what is asked for."""
    if rows.empty:
        raise InputError(f"nothing to draw, as there is no {what}")
    return rows


def sampled(samples: pd.DataFrame) -> pd.DataFrame:
    """Samples or curves after t = 0, which are drawn over log t; InputError where they are not of two times."""
    after = samples[samples["t"] > 0]
    if after["t"].nunique() < 2:
        cause = "its runs diverged before, or have too few samples"
        raise InputError(f"nothing to draw, as there are no two times after t = 0: {cause}")
    return after


def along(runs: pd.DataFrame, axis: str) -> list:
    """The values that runs have of an axis, in order; InputError where there are none."""
    return sorted(present(runs.dropna(subset=axis), f"run with one value of {axis}; name another axis")[axis].unique())


def fitted(experiment: Mapping[str, Any], dynamics: str, parameter: str) -> None:
    """Refuse an experiment in which a parameter of a dynamics is not fitted."""
    if not any(block["name"] == dynamics and block.get(parameter) == "fit" for block in experiment["dynamics"]):
        raise Refused("", f"needs {{name: {dynamics}, {parameter}: fit}} among its dynamics")


def solvers(experiment: Mapping[str, Any]) -> set[str]:
    """Names of the solvers of an experiment."""
    return {solver["method"] for solver in experiment["solver"]}


def starts(experiment: Mapping[str, Any]) -> set[str]:
    """Kinds of the initializations of an experiment."""
    return {start["kind"] for start in experiment["initialization"]}
