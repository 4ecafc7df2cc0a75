"""Types of the values of a config, made from the parameters that declare them."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

import yaml
from pydantic import Discriminator, Field, Tag, ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

from linear_networks.components import Parameter
from linear_networks_workflow.errors import cut

KINDS = {float: "a finite number", int: "an integer", bool: "true or false", str: "text"}

# The largest integer that fits the columns of the dataset.
LARGEST = 2**31 - 1

# File systems take names of 255 characters, endings included.
WORDS = "letters, digits, - and _, at most 100 of them"
Name = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,100}$", description=f"a name of {WORDS}")]

# Alternatives of a value. Their names stand in the places of errors, among keys.
ONE, SEVERAL = "one", "several"


def refusal(message: str, **context: Any) -> PydanticCustomError:
    """An error of a value with a message of its own."""
    return PydanticCustomError("refused", "{message}", {"message": message, **context})


def values(parameter: Parameter) -> Any:
    """Type of what a key may hold: one value, or a list of them where that is an axis."""
    if not parameter.axis:
        return value(parameter)
    # A list that is not in a list is an axis, unless every value is one.
    alone = value(parameter) if parameter.vector else _scalar(parameter)
    return _either(alone, distinct(value(parameter)), _is_list_of_lists if parameter.vector else _is_list)


def value(parameter: Parameter) -> Any:
    """Type of one value."""
    one = _scalar(parameter)
    if parameter.vector is None:
        return _either(one, nonempty(one), _is_list)
    return nonempty(one) if parameter.vector else one


def one_or_several(one: Any) -> Any:
    """Type of a value that is no list, or of a list of such values that are not equal."""
    return _either(one, distinct(one), _is_list)


def nonempty(one: Any) -> Any:
    """Type of a list that is not empty."""
    return Annotated[list[one], Field(min_length=1, strict=True)]


def distinct(one: Any, least: int = 1) -> Any:
    """Type of a list of at least so many values that holds nothing twice."""
    several = Annotated[list[one], Field(min_length=least, strict=True)]
    return Annotated[several, WrapValidator(_check_distinct), Field(json_schema_extra={"uniqueItems": True})]


def named(one: Any, least: int = 0) -> Any:
    """Type of a mapping of at least so many names to values."""
    return Annotated[dict[Name, one], Field(min_length=least)]


def allowed(parameter: Parameter) -> str:
    """What one value of a parameter may be, in words."""
    if parameter.kind is str and parameter.words:
        return " or ".join(parameter.words)
    numbers = KINDS[parameter.kind] + parameter.bounds()
    return ", or ".join((numbers, *parameter.words))


def shown(value: Any) -> str:
    """A value as YAML has it, in one line."""
    if isinstance(value, str):
        return f"{cut(repr(value))} (text)"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**80:
        return "an integer of more than 80 digits"
    return cut(yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=2**16).split("\n")[0])


def _scalar(parameter: Parameter) -> Any:
    if parameter.kind is str:
        return Literal[parameter.words] if parameter.words else Annotated[str, Field(min_length=1, strict=True)]
    bounds = {"ge": parameter.least, "gt": parameter.above, "le": parameter.most}
    limits: dict[str, Any] = {name: bound for name, bound in bounds.items() if bound is not None}
    if parameter.kind is float:
        limits["allow_inf_nan"] = False
    if parameter.kind is int:
        limits.setdefault("le", LARGEST)
    one: Any = Annotated[parameter.kind, Field(strict=True, **limits)]
    if parameter.words:
        one = one | Literal[parameter.words]
    return Annotated[one, WrapValidator(_explain(parameter))]


def _explain(parameter: Parameter) -> Callable[[Any, Callable[[Any], Any]], Any]:
    """Validator that says of a wrong value what is allowed."""

    def explain(value: Any, validate: Callable[[Any], Any]) -> Any:
        try:
            valid = validate(value)
        except ValidationError:
            raise refusal(_wrong(value, parameter)) from None
        # NumPy and Arrow take integers as numbers up to here.
        if parameter.kind is float and isinstance(value, int) and abs(value) > 2**53:
            raise refusal(f"{shown(value)} is too large for an integer; write {shown(float(value))}")
        return valid

    return explain


def _wrong(value: Any, parameter: Parameter) -> str:
    """What is wrong with a value, and what may be meant."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+", value):
        needed = "a sign in the exponent" if "." in value else "a decimal point"
        return f"{cut(repr(value))} is text; YAML needs {needed}: {_with_point(value)}"
    message = f"{shown(value)} is not {allowed(parameter)}"
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d*)?", value):
        return f"{message}; write {float(value):.15g} without quotes"
    if parameter.kind is int and isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST:
        return f"{message}; write {value:.0f}"
    if parameter.kind is int and type(value) is int and value > LARGEST and parameter.most is None:
        return f"{shown(value)} is too large; at most {LARGEST} is possible here"
    return message


def _with_point(number: str) -> str:
    """A number as YAML wants it: a decimal point, and an exponent with its sign."""
    digits, exponent = number.lower().split("e")
    whole, _, part = digits.partition(".")
    return f"{whole or '0'}.{part or '0'}e{'' if exponent[0] in '+-' else '+'}{exponent}"


def _either(one: Any, several: Any, is_several: Callable[[Any], bool]) -> Any:
    """Union of two types, of which the one that is meant explains what is wrong."""
    return Annotated[
        Annotated[one, Tag(ONE)] | Annotated[several, Tag(SEVERAL)],
        Discriminator(lambda value: SEVERAL if is_several(value) else ONE),
    ]


def _check_distinct(values: Any, validate: Callable[[Any], list]) -> list:
    valid = validate(values)
    # Blocks are compared by the runs that they stand for.
    plain = [tuple(value) if isinstance(value, list) else value for value in values if not isinstance(value, dict)]
    if len(set(plain)) < len(plain):
        twice = next(value for place, value in enumerate(plain) if value in plain[:place])
        raise refusal(f"{shown(values)} lists a value twice: {shown(twice)}")
    return valid


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_list_of_lists(value: Any) -> bool:
    return _is_list(value) and bool(value) and _is_list(value[0])
