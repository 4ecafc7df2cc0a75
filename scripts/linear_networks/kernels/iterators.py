"""What changes as it is read, such as an iterator, and whether code can reach it.

No instruction shows that a loop advances what it loops over. Code is therefore asked what it can reach before it runs.
"""

import gc
from collections.abc import Iterable, Iterator
from operator import attrgetter, methodcaller
from random import Random
from types import CodeType, FrameType, FunctionType, MethodDescriptorType, ModuleType
from typing import Any

import numpy as np

# These change when they are read or by a method that no profiler sees, or find what does by names of their own.
CHANGING = (
    Iterator,
    Random,
    np.random.Generator,
    np.random.RandomState,
    np.random.BitGenerator,
    attrgetter,
    methodcaller,
)
# These hold nothing.
PLAIN = (str, bytes, bool, int, float, type(None), np.ndarray, CodeType, FrameType, MethodDescriptorType)
# By these, code may ask for attributes whose names it makes.
ASKING = {"getattr", "attrgetter"}
# More objects than a velocity needs: whoever reaches so many is not searched to the end.
MOST_OBJECTS = 20_000


class Search:
    """Whether something that changes as it is read is within reach of code.

    Parameters
    ----------
    known : tuple of type
        Classes whose instances are not searched.
    """

    def __init__(self, known: tuple[type, ...]) -> None:
        self.known = known
        # Of all code so far: what one function returns, another may ask for an attribute.
        self.names: set[str] = set()
        # Objects stay alive while they are remembered: another one may get the id of one that is gone.
        self.seen: dict[int, Any] = {}

    def finds(self, frame: FrameType) -> bool:
        """Whether code that begins to run can reach what changes, by its arguments, its closure or names."""
        code = frame.f_code
        names = {*code.co_names, *(text for text in code.co_consts if type(text) is str)}
        if not names <= self.names:
            self.names |= names
            self.seen.clear()
        # What a comprehension loops over, .0, is made where that is written.
        reached = [value for name, value in frame.f_locals.items() if name != ".0"]
        reached += [frame.f_globals[name] for name in code.co_names if name in frame.f_globals]
        while reached:
            value = reached.pop()
            kind = type(value)
            if kind in PLAIN or id(value) in self.seen or issubclass(kind, self.known):
                continue
            self.seen[id(value)] = value
            if changes(kind) or len(self.seen) > MOST_OBJECTS:
                return True
            reached += self.held(value)
        return False

    def held(self, value: Any) -> Iterable[Any]:
        """What an object holds; of its attributes, those that code names."""
        match value:
            case FunctionType():
                # What it finds in its module is asked for when it runs.
                return [value.__closure__, value.__defaults__, value.__kwdefaults__, *value.__dict__.values()]
            case ModuleType():
                return self.named(vars(value))
            case type():
                return [held for base in value.__mro__[:-1] for held in self.named(vars(base))]
        attributes = getattr(value, "__dict__", {})
        unread = {id(attributes), *map(id, attributes.values())}
        within = [held for held in gc.get_referents(value) if id(held) not in unread]
        return [*within, *self.named(attributes), type(value)]

    def named(self, attributes: Any) -> list[Any]:
        if self.names & ASKING:
            return list(attributes.values())
        return [attributes[name] for name in self.names if name in attributes]


def changes(kind: type) -> bool:
    """Whether objects of a class change as they are read."""
    return not issubclass(kind, type) and (issubclass(kind, CHANGING) or hasattr(kind, "__missing__"))
