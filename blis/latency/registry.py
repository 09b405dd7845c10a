"""`LATENCY`: the kinds of latency models, each declared once where it is written, a formula and its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from blis import plugins
from blis.errors import InputError, check_choice
from blis.latency.scaling import scaled
from blis.latency.step import Step
from blis.policies.registry import Registry

if TYPE_CHECKING:
    from blis.config import Compat, LatencyModel

MAX_STEP_US = 1e12

#: A scenario's mappings of a latency model and of the KV cache, and the first one's key for errors; both as they
#: should be: with all that names stand for, and the number of KV blocks if it follows from the model.
Resolve = Callable[[dict[str, Any], dict[str, Any], str], tuple[dict[str, Any], dict[str, Any]]]
#: A latency model; the parameters of its kernel by name. Raises InputError for what the model lacks.
Derive = Callable[["LatencyModel", "Compat"], Mapping[str, float]]


def as_given(latency: dict[str, Any], kv: dict[str, Any], path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Resolve nothing."""
    return latency, kv


def own_parameters(model: LatencyModel, compat: Compat) -> Mapping[str, float]:
    """What stands under `parameters`."""
    refuse(model, "beta", "roofline")
    return model.parameters or {}


def refuse(model: LatencyModel, *keys: str) -> None:
    """Raise InputError if a model has numbers that are another kind's."""
    for key in keys:
        value = getattr(model, key)
        if any(value) if isinstance(value, tuple) else value:
            raise InputError(f"latency_model.{key} is not for kind {model.kind!r}")


#: Whether, with these parameters of a kind's kernel, a step in which all members decode depends on their number alone.
Constant = Callable[[Mapping[str, float]], bool]


class About(NamedTuple):
    """What is known of a kind beside its kernel."""

    constant_while_decoding: bool | Constant
    resolve: Resolve
    derive: Derive


class LatencyRegistry(Registry):
    """Registers kinds. A kernel takes its parameters and a STEP, and gives µs; what is beyond whole ones is dropped."""

    def __init__(self) -> None:
        """Start an empty registry."""
        super().__init__("latency model", "step", group=plugins.LATENCY)
        self._about: dict[str, About] = {}

    def register(  # type: ignore[override]
        self,
        name: str,
        *,
        constant_while_decoding: bool | Constant = False,
        resolve: Resolve = as_given,
        derive: Derive = own_parameters,
        **bounds: Any,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate the kernel of a kind whose parameters these bounds are for.

        `constant_while_decoding` promises, or says of parameters, that a step in which all members decode depends on
        their number alone, so that the engine may take many at once. `resolve` fills in a latency model's mapping,
        and `derive` makes parameters of the model; without it they stand under `parameters`.
        """

        def add(function: Callable[..., Any]) -> Callable[..., Any]:
            made = super(LatencyRegistry, self).register(name, **bounds)(function)
            self._about[name] = About(constant_while_decoding, resolve, derive)
            return made

        return add

    def constant_while_decoding(self, name: str, parameters: Sequence[float]) -> bool:
        """Whether a step in which all members decode depends on their number alone. parameters: of the kernel."""
        constant = self._about[name].constant_while_decoding
        return (
            constant if isinstance(constant, bool) else constant(dict(zip(self[name].bounds, parameters, strict=True)))
        )

    def ever_constant(self, name: str) -> bool:
        """Whether that is so with some parameters."""
        return self._about[name].constant_while_decoding is not False

    def resolve(self, latency: dict[str, Any], kv: dict[str, Any], path: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Mappings of a latency model and a KV cache with everything filled in that names stand for.

        path: the latency model's key, for errors. Raises InputError for what is missing or not known.
        """
        kind = latency.get("kind", next(iter(self)))
        check_choice(f"{path}.kind", kind, self)
        return self._about[kind].resolve(latency, kv, path)

    def parameters(self, model: LatencyModel, compat: Compat) -> list[float]:
        """The parameters of a model's kernel in their order."""
        found = self._about[model.kind].derive(model, compat)
        return self.values(model.kind, found if model.factor == 1 else scaled(found, model.factor))

    def step_us(self, model: LatencyModel, step: Step, compat: Compat) -> float:
        """How long a step takes, in Python: the kernel itself, for single questions."""
        return float(self[model.kind].function(*self.parameters(model, compat), step))

    def check_longest(self, model: LatencyModel, parameters: Sequence[float], step: Step) -> float:
        """The µs of the longest step; refuse a model where nobody could wait for it, or it ends before it begins."""
        us = float(self[model.kind].function(*parameters, step))
        if not 0 <= us <= MAX_STEP_US:
            raise InputError(
                f"latency_model: {model.kind!r} says {us:g} µs of a step with {step.prefill_tokens:g} prompt tokens;"
                f" it must be in [0, {MAX_STEP_US:g}]"
            )
        return us


LATENCY = LatencyRegistry()
