"""Declarations of components: complete, or refused at import with the reason."""

from abc import ABC, abstractmethod

import pytest

from linear_networks.components import Component, Listing, Parameter, Refused


class Whole(Component):
    """A component that says all."""

    name, label = "whole", "a whole one"
    parameters = {"size": Parameter("how large", above=0.0)}


class Abstract(Component, ABC):
    """A room that asks for a method."""

    @abstractmethod
    def draw(self): ...


def test_a_listing_finds_its_components_by_name():
    assert Listing(Whole) == {"whole": Whole}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"label": "a", "__doc__": "A."}, "declares no name"),
        ({"name": "a", "__doc__": "A."}, "declares no label"),
        ({"name": "a", "label": "a"}, "declares no doc"),
        ({"name": "a", "label": "a", "__doc__": "A.", "parameters": {"size": 3.0}}, "'size' is no Parameter"),
        ({"name": "a b", "label": "a", "__doc__": "A."}, "name 'a b' is not of"),
        ({"name": "a", "label": "a", "__doc__": "A.", "parameters": [1]}, "are a mapping"),
        ({"name": "a", "label": "a", "__doc__": "A.", "parameters": {"kind": None}}, "cannot have the name 'kind'"),
        ({"name": "whole", "label": "a", "__doc__": "A."}, "has the name 'whole' of Whole"),
    ],
)
def test_a_declaration_that_is_not_complete_is_refused_with_its_reason(members, message):
    with pytest.raises(TypeError, match=message):
        Listing(Whole, type("Partial", (Component,), members))


@pytest.mark.parametrize(
    "wrong",
    [
        *({"meaning": ""}, {"meaning": "a\nb"}, {"kind": list}, {"unit": "m"}, {"kind": str, "least": 0.0}),
        *({"default": -1.0, "above": 0.0}, {"default": "a"}, {"kind": str, "words": ("a",), "default": "b"}),
        *({"words": "ab"}, {"least": 2.0, "most": 1.0}, {"above": "0"}, {"vector": 1}, {"kind": int, "default": 0.5}),
        *({"kind": bool, "default": 1}, {"default": [1.0]}, {"vector": True, "least": 0.0, "default": [-1.0]}),
    ],
)
def test_a_wrong_parameter_is_refused(wrong):
    with pytest.raises(TypeError):
        Parameter(**{"meaning": "how large", **wrong})


def test_a_component_without_a_method_of_its_room_is_refused():
    members = {"name": "a", "label": "a", "__doc__": "A."}
    with pytest.raises(TypeError, match="does not define draw"):
        Listing(type("Partial", (Abstract,), members))


def test_a_refusal_names_the_key_below_its_component():
    refusal = Refused("imbalance", "write 0.0")
    assert (refusal.key, refusal.message, str(refusal)) == ("imbalance", "write 0.0", "imbalance: write 0.0")
    assert isinstance(refusal, ValueError)
