"""The columns of the parameters of a run, made from the declarations of the components and of the workflow."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa

from linear_networks.components import Parameter
from linear_networks_workflow import keys

WORD = pa.dictionary(pa.int32(), pa.string())
VECTOR = pa.list_(pa.float64())
TYPES = {float: pa.float64(), int: pa.int32(), bool: pa.bool_(), str: WORD}


class ParameterColumn(NamedTuple):
    """A column of the runs.

    Attributes
    ----------
    path : tuple of str
        Where its values stand in a point of the grid.
    type : pyarrow.DataType
    unit : str
    meaning : str
    """

    path: tuple[str, ...]
    type: pa.DataType
    unit: str
    meaning: str

    def value(self, point: Mapping[str, Any]) -> Any:
        """Its value in a point of the grid; None where there is none, or one that belongs to another column."""
        node: Any = point
        for key in self.path:
            node = node.get(key) if isinstance(node, Mapping) else None
        if self.type == VECTOR:
            return node if isinstance(node, list) else None
        # A number has lists in a column of their own; a word instead of it says that it is still to be found.
        is_word = isinstance(node, str) and self.type != WORD
        return None if isinstance(node, list) or is_word else node


def columns() -> dict[str, ParameterColumn]:
    """The column of every parameter of a run, by name, in the order of the keys of an experiment.

    Raises
    ------
    TypeError
        If two parameters have one column, but not one path, type and unit.
    """
    found: dict[str, ParameterColumn] = {}
    meanings: dict[str, dict[str, list[str]]] = {}
    for component, name, column in _declared():
        other = found.setdefault(name, column)
        if (other.path, other.type, other.unit) != (column.path, column.type, column.unit):
            what = "{}, {} in {!r}".format(".".join(other.path), other.type, other.unit)
            raise TypeError(f"{component}: the column {name!r} is that of {what} already; declare another column")
        meanings.setdefault(name, {}).setdefault(column.meaning, []).append(component)
    return {name: column._replace(meaning=_joined(meanings[name])) for name, column in found.items()}


def _declared() -> Iterator[tuple[str, str, ParameterColumn]]:
    """Every column that a parameter asks for, and what asks for it."""
    for room, (key, column, components, meaning) in keys.ROOMS.items():
        if column:
            yield room, column, ParameterColumn((room, key), WORD, "", meaning)
        for component in components.values():
            for name, parameter in component.parameters.items():
                yield from ((component.name, *of) for of in _of((room, name), parameter))
    yield from (("width", *of) for of in _of(("width",), keys.WIDTH))
    for name, parameter in keys.TIME.items():
        yield from (("time", *of) for of in _of(("time", name), parameter))


def _of(path: tuple[str, ...], parameter: Parameter) -> Iterator[tuple[str, ParameterColumn]]:
    name = parameter.column or path[-1]
    unit = parameter.unit if parameter.kind in (int, float) else ""
    meaning = parameter.meaning if name == path[-1] else f"{parameter.meaning}; in the config `{path[-1]}`"
    if not parameter.vector:
        yield name, ParameterColumn(path, TYPES[parameter.kind], unit, meaning)
    if parameter.vector:
        yield name, ParameterColumn(path, VECTOR, unit, meaning)
    elif parameter.vector is None:
        yield f"{name}_vector", ParameterColumn(path, VECTOR, unit, f"`{name}` where it is a list of numbers")


def _joined(meanings: Mapping[str, list[str]]) -> str:
    """One meaning of a column from those that components give it."""
    if len(meanings) == 1:
        return next(iter(meanings))
    quoted = {meaning: [f"`{name}`" for name in names] for meaning, names in meanings.items()}
    of = {meaning: " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) for meaning, names in quoted.items()}
    return "; ".join(f"of {names}: {meaning}" for meaning, names in of.items())


PARAMETERS = columns()
