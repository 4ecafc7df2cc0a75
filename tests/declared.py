"""Values for parameters that a test does not know: what their declarations allow."""

import inspect

from linear_networks.components import REQUIRED, Parameter, Refused


def example(parameter: Parameter):
    """A value that a parameter allows."""
    if parameter.kind is bool:
        return True
    if parameter.kind is str:
        return parameter.words[0] if parameter.words else "word"
    low = max(bound for bound in (parameter.least, parameter.above, 0) if bound is not None)
    value = parameter.kind(low + 2) if parameter.kind is int else low + 0.5
    value = value if parameter.most is None else min(value, parameter.most)
    return [value] if parameter.vector else value


def examples(component, *shape):
    """Values of the parameters of a component: of those that it requires, or asks for by refusing without them."""
    values = {key: example(one) for key, one in component.parameters.items() if one.default is REQUIRED}
    for _ in component.parameters:
        try:
            component.check(*shape, **values)
        except Refused as refused:
            values[refused.key] = example(component.parameters[refused.key])
    component.check(*shape, **values)
    return values


def defaults(function):
    """Parameters of a function by name, with their defaults."""
    return {
        name: REQUIRED if parameter.default is parameter.empty else parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
    }
