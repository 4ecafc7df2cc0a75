"""Types of the values of a config, made from the parameters that declare them."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

import yaml
from pydantic import Discriminator, Field, Tag, ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

from linear_networks.components import Parameter

KINDS = {float: "a finite number", int: "an integer", bool: "true or false", str: "text"}

Name = Annotated[str, Field(pattern="^[A-Za-z0-9_-]+$", description="a name of letters, digits, - and _")]

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
        return f"{value!r} (text)"
    return yaml.safe_dump(value, default_flow_style=True, width=2**16).split("\n")[0]


def _scalar(parameter: Parameter) -> Any:
    if parameter.kind is str:
        return Literal[parameter.words] if parameter.words else Annotated[str, Field(min_length=1, strict=True)]
    bounds = {"ge": parameter.least, "gt": parameter.above, "le": parameter.most}
    limits: dict[str, Any] = {name: bound for name, bound in bounds.items() if bound is not None}
    if parameter.kind is float:
        limits["allow_inf_nan"] = False
    one: Any = Annotated[parameter.kind, Field(strict=True, **limits)]
    if parameter.words:
        one = one | Literal[parameter.words]
    return Annotated[one, WrapValidator(_explain(parameter))]


def _explain(parameter: Parameter) -> Callable[[Any, Callable[[Any], Any]], Any]:
    """Validator that says of a wrong value what is allowed."""

    def explain(value: Any, validate: Callable[[Any], Any]) -> Any:
        try:
            return validate(value)
        except ValidationError:
            if isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+", value):
                hint = f"{value!r} is text; YAML needs a decimal point: {float(value):.1e}"
                raise refusal(hint) from None
            raise refusal(f"{shown(value)} is not {allowed(parameter)}") from None

    return explain


def _either(one: Any, several: Any, is_several: Callable[[Any], bool]) -> Any:
    """Union of two types, of which the one that is meant explains what is wrong."""
    return Annotated[
        Annotated[one, Tag(ONE)] | Annotated[several, Tag(SEVERAL)],
        Discriminator(lambda value: SEVERAL if is_several(value) else ONE),
    ]


def _check_distinct(values: Any, validate: Callable[[Any], list]) -> list:
    valid = validate(values)
    if any(value in values[:place] for place, value in enumerate(values)):
        raise refusal(f"{values} lists a value twice")
    return valid


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_list_of_lists(value: Any) -> bool:
    return _is_list(value) and bool(value) and _is_list(value[0])
