"""The config as pydantic models, made from the declarations of the components."""

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, create_model, model_validator

from linear_networks.components import REQUIRED, Component, Parameter
from linear_networks_workflow import keys
from linear_networks_workflow.config.values import Name, distinct, named, one_or_several, refusal, values
from linear_networks_workflow.errors import unknown
from linear_networks_workflow.figures import KINDS
from linear_networks_workflow.figures.kind import Kind

# The types are made here, where a checker of types cannot follow.
make: Any = create_model


class Block(BaseModel):
    """A mapping of known keys."""

    # Only the model of the whole config is asked for.
    model_config = ConfigDict(extra="forbid", defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _check_keys(cls, block: Any) -> Any:
        # Before all else: a mistyped key is both unknown and missing, and the first says more.
        for key in block if isinstance(block, Mapping) else ():
            if key not in cls.model_fields:
                raise refusal(unknown("key", key, cls.model_fields), keys=[key])
        return block


def field(parameter: Parameter) -> tuple[Any, Any]:
    """Type and field of a parameter."""
    default = {} if parameter.default is REQUIRED else {"default": parameter.default}
    return values(parameter), Field(description=parameter.meaning, **default)


def fields(parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """Types and fields of parameters by key."""
    return {name: field(parameter) for name, parameter in parameters.items()}


def block(component: type[Component], key: str, **others: Any) -> type[Block]:
    """Model of the block of a component, whose name stands under `key`."""
    named = (Literal[component.name], Field(description=component.label))
    title = f"{key}: {component.name}"
    return make(
        title, __base__=Block, __doc__=component.__doc__, **{key: named}, **others, **fields(component.parameters)
    )


def blocks(key: str, models: Iterable[type[Block]]) -> Any:
    """Type of one of several blocks, told apart by what stands under `key`."""
    return Annotated[reduce(or_, models), Field(discriminator=key)]


def _annotated(one: Any, validator: Any) -> Any:
    return Annotated[one, validator]


def _named(entry: Any) -> Any:
    return {"name": entry} if isinstance(entry, str) else entry


def _check_dynamics(entries: list[Any]) -> list[Any]:
    names = [entry.name for entry in entries]
    for name in names:
        if names.count(name) > 1:
            raise refusal(f"lists {name} twice; a list below a parameter of one block is an axis")
    return entries


Time = make("time", __base__=Block, __doc__="When the runs are observed; t = 0 always is.", **fields(keys.TIME))


def _experiment() -> type[Block]:
    one = {
        name: blocks(room.key, [block(component, room.key) for component in room.components.values()])
        for name, room in keys.ROOMS.items()
    }
    described = {name: Field(description=room.meaning) for name, room in keys.ROOMS.items()}
    names: Any = Literal[tuple(keys.ROOMS["dynamics"].components)]
    short = BeforeValidator(_named, json_schema_input_type=names | one["dynamics"])
    several = distinct(_annotated(one["dynamics"], short))
    record = distinct(Literal[tuple(keys.RECORD)], least=0)
    meaning = "; ".join(f"{name}: {text}" for name, text in keys.RECORD.items())
    return make(
        "experiment",
        __base__=Block,
        __doc__="A named grid of runs.",
        runs_per_job=field(keys.SETTINGS["runs_per_job"]),
        matrix=(one_or_several(one["matrix"]), described["matrix"]),
        initialization=(one_or_several(one["initialization"]), described["initialization"]),
        width=field(keys.WIDTH),
        loss=(one_or_several(one["loss"]), Field(default=None, description=keys.ROOMS["loss"].meaning)),
        dynamics=(_annotated(several, AfterValidator(_check_dynamics)), described["dynamics"]),
        solver=(one_or_several(one["solver"]), described["solver"]),
        time=(Time, Field(description="when the runs are observed; t = 0 always is")),
        replicates=field(keys.REPLICATES),
        trajectories=field(keys.TRAJECTORIES),
        record=(record, Field(default=[], description=f"what else to store: {meaning}")),
    )


Experiment = _experiment()


def _figure(kind: type[Kind]) -> type[Block]:
    experiment = one_or_several(Name) if kind.many else Name
    where: Any = Field(default={}, description="value at which another axis is held, by the name of the axis")
    meaning = "name of an experiment" + ", or a list of them" * kind.many
    return block(kind, "kind", experiment=(experiment, Field(description=meaning)), where=(dict[str, Any], where))


Figure = blocks("kind", map(_figure, KINDS.values()))


Config = make(
    "config.yaml",
    __base__=Block,
    __doc__="Experiments and figures of the workflow. A list anywhere below an experiment is an axis of its grid.",
    **fields(keys.SETTINGS),
    experiments=(named(Experiment, least=1), Field(description="experiments by name")),
    figures=(named(Figure), Field(default={}, description="figures by name")),
)
