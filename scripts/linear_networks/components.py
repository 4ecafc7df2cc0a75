"""What a component says of itself, once: from its declaration come validation, columns, pages, legends and costs.

A component (a source of matrices, a loss, a model, a penalty, an initialization, a solver, a dynamics, a kind of
figure) is a class in a module of its own. It inherits from the base class of its room, which inherits from `Component`,
and it is named in the `Listing` of the room. What is missing or wrong in a declaration is an error at import.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar


class Default(Enum):
    """What stands for a default that is none."""

    REQUIRED = "required"


REQUIRED = Default.REQUIRED
KINDS = (float, int, bool, str)
# Keys of the config that name a component.
NAMING = ("source", "kind", "method", "name")
UNITS = ("1", "time", "1/time", "s", "")


@dataclass(frozen=True)
class Parameter:
    """A key of the config.

    Attributes
    ----------
    meaning : str
        In one line of Markdown, as messages, the JSON schema, columns and pages say it.
    kind : {float, int, bool, str}
        Of its value; a `float` is finite.
    default : object
        REQUIRED, or what holds where the key is left out; None where nothing does.
    least, above, most : float or None
        Bounds of a number: >= least, > above, <= most.
    words : tuple of str
        What a text may be; of a number, words that it may be instead, such as `fit`.
    vector : bool or None
        Whether a value is a list of numbers, one a mode or a column: always, or with None as well as one number. A
        list of such lists is an axis.
    axis : bool
        Whether a list of values is an axis of the grid.
    unit : str
        One of UNITS.
    symbol : str
        In figures; the name of the parameter where it is empty.
    column : str
        In the results; the name of the parameter where it is empty. Vectors of a parameter that may be a number as well
        have a column of their own, which ends in `_vector`.
    """

    meaning: str
    kind: type = float
    default: Any = REQUIRED
    least: float | None = None
    above: float | None = None
    most: float | None = None
    words: tuple[str, ...] = ()
    vector: bool | None = False
    axis: bool = True
    unit: str = "1"
    symbol: str = ""
    column: str = ""

    def __post_init__(self) -> None:
        if not self.meaning or "\n" in self.meaning:
            raise TypeError(f"the meaning of a parameter is one line, not {self.meaning!r}")
        if self.kind not in KINDS:
            raise TypeError(f"a parameter is float, int, bool or str, not {self.kind}; {self.meaning}")
        if self.unit not in UNITS:
            raise TypeError(f"{self.unit!r} is no unit of {UNITS}; {self.meaning}")
        if self.kind in (bool, str) and (self.vector is not False or self.bounds()):
            raise TypeError(f"only numbers have bounds and vectors; {self.meaning}")
        if not (self.vector is None or isinstance(self.vector, bool)) or not isinstance(self.words, tuple):
            raise TypeError(f"vector is True, False or None, and words are a tuple; {self.meaning}")
        limits = [limit for limit in (self.least, self.above, self.most) if limit is not None]
        if any(isinstance(limit, bool) or not isinstance(limit, int | float) for limit in limits):
            raise TypeError(f"bounds are numbers; {self.meaning}")
        if self.most is not None and any(limit > self.most for limit in limits):
            raise TypeError(f"no number is{self.bounds()}; {self.meaning}")
        if self.default not in (REQUIRED, None) and not self._takes(self.default):
            raise TypeError(f"the default {self.default!r} is not what the parameter may be; {self.meaning}")

    def _takes(self, value: Any) -> bool:
        """Whether a value, or every number of a list, is one that the parameter may be."""
        if isinstance(value, list):
            return self.vector is not False and all(map(self._takes, value))
        if isinstance(value, str):
            return value in self.words or (self.kind is str and not self.words)
        if isinstance(value, bool) or self.kind in (bool, str):
            return isinstance(value, bool) and self.kind is bool
        inside = (self.least is None or value >= self.least) and (self.most is None or value <= self.most)
        whole = isinstance(value, int) or self.kind is float
        return whole and inside and (self.above is None or value > self.above)

    def bounds(self) -> str:
        """The bounds in signs, such as ` > 0`."""
        signs = (">=", self.least), (">", self.above), ("<=", self.most)
        return "".join(
            f" {sign} {bound if isinstance(bound, int) else f'{bound:g}'}" for sign, bound in signs if bound is not None
        )


class Refused(ValueError):
    """What a component cannot work with.

    Parameters
    ----------
    key : str
        The offending key below the component's block of the config, such as `imbalance`; empty for the block itself.
    message : str
        What is wrong and what to write instead, in one line without the key.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}" if key else message)
        self.key, self.message = key, message


class Component:
    """Base of the base classes of the rooms.

    Attributes
    ----------
    name : str
        As the config and the columns have it.
    label : str
        In words, for legends and pages.
    note : str
        What readers of a table of its rates have to know, in a sentence or two of Markdown.
    parameters : mapping of str to Parameter
        Its keys of the config besides that of its name, in the order of the pages.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    note: ClassVar[str] = ""
    parameters: ClassVar[Mapping[str, Parameter]] = {}


C = TypeVar("C", bound=Component)


class Listing(dict[str, type[C]], Generic[C]):
    """The components of a room by name, in the order in which they are listed.

    Raises
    ------
    TypeError
        If a declaration is incomplete or wrong, or two components have one name.
    """

    def __init__(self, *components: type[C]) -> None:
        super().__init__()
        for component in components:
            where = f"{component.__module__}.{component.__qualname__}"
            for attribute in ("name", "label", "__doc__"):
                text = vars(component).get(attribute)
                if not isinstance(text, str) or not text.strip():
                    raise TypeError(f"{where} declares no {attribute.strip('_')}")
            if not re.fullmatch(r"[a-z][a-z0-9-]*", component.name):
                raise TypeError(f"{where}: the name {component.name!r} is not of lower-case letters, digits and -")
            if not isinstance(component.parameters, Mapping):
                raise TypeError(f"{where}: parameters are a mapping from names, not {component.parameters!r}")
            for name, parameter in component.parameters.items():
                if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in NAMING:
                    raise TypeError(f"{where}: a parameter cannot have the name {name!r}")
                if not isinstance(parameter, Parameter):
                    raise TypeError(f"{where}: parameter {name!r} is no Parameter but {parameter!r}")
            missing = getattr(component, "__abstractmethods__", None)
            if missing:
                raise TypeError(f"{where} does not define {', '.join(sorted(missing))}")
            if component.name in self:
                raise TypeError(f"{where} has the name {component.name!r} of {self[component.name].__qualname__}")
            self[component.name] = component
