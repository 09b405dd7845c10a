"""Parameter types of a search space: a number or a category, each with how to draw, vary and mix its values.

Every type answers the same five questions (`sample`, `mutate`, `blend`, `nearest`, `extremes`); adding a type
is one class here and one line in `make_parameter`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from blis.errors import InputError, check_number, unknown_name

Value = float | int | str

#: How often `zero_or` draws the zero, and how often a mutation switches a weight off.
ZERO_PROBABILITY = 0.3
SWITCH_OFF_PROBABILITY = 0.2


class Parameter(Protocol):
    """One dimension of a search space. All methods are pure but for the state of `rng`."""

    def sample(self, rng: Random) -> Value:
        """A value drawn from the whole range."""

    def mutate(self, rng: Random, value: Value, sigma: float) -> Value:
        """Another value; for numbers a normal step of `sigma` in units of the (log) range."""

    def blend(self, rng: Random, first: Value, second: Value) -> Value:
        """A value between two parents, or one of them."""

    def nearest(self, value: object) -> Value | None:
        """The closest value of the range, None if `value` has no counterpart in it."""

    def extremes(self) -> tuple[Value, ...]:
        """The values that bound the range: a configuration is checked at each of them."""


@dataclass(frozen=True)
class Number:
    """A number in [low, high], drawn uniformly on the range or on its logarithm; optionally 0 as well.

    A whole number stands for all that rounds to it, so that the ends count as much as their neighbours.
    """

    low: float
    high: float
    log: bool = False
    integer: bool = False
    zero_probability: float = 0.0  # > 0: the value may also be exactly 0, off the range

    def sample(self, rng: Random) -> Value:
        """Zero with `zero_probability`, else uniform in the coordinate."""
        if self.zero_probability and rng.random() < self.zero_probability:
            return 0.0
        return self.value_at(rng.random())

    def mutate(self, rng: Random, value: Value, sigma: float) -> Value:
        """A normal step, reflected at the bounds; zero becomes a drawn value and sometimes the reverse."""
        if not value:
            return self.value_at(rng.random())
        if self.zero_probability and rng.random() < SWITCH_OFF_PROBABILITY:
            return 0.0
        place = self.place(float(value)) + rng.gauss(0.0, sigma)
        place = -place if place < 0 else 2 - place if place > 1 else place
        moved = self.value_at(min(max(place, 0.0), 1.0))
        if self.integer and moved == value and self.low < self.high:
            step = 1 if rng.random() < 0.5 else -1
            moved = int(value) + (step if self.low <= int(value) + step <= self.high else -step)
        return moved

    def blend(self, rng: Random, first: Value, second: Value) -> Value:
        """A uniform point between two non-zero parents, else one of them."""
        if not first or not second:
            return first if rng.random() < 0.5 else second
        share = rng.random()
        return self.value_at(share * self.place(float(first)) + (1 - share) * self.place(float(second)))

    def nearest(self, value: object) -> Value | None:
        """The value clipped into the range."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if not value and self.zero_probability:
            return 0.0
        clipped = min(max(value, self.low), self.high)
        return round(clipped) if self.integer else float(clipped)

    def extremes(self) -> tuple[Value, ...]:
        """Both bounds."""
        return (int(self.low), int(self.high)) if self.integer else (self.low, self.high)

    def place(self, value: float) -> float:
        """The coordinate in [0, 1] of a value of the range (log range)."""
        low, high = self._ends
        at = math.log(value) if self.log else value
        return (at - low) / (high - low) if high > low else 0.0

    def value_at(self, place: float) -> Value:
        """The value at a coordinate in [0, 1], the inverse of `place`; rounding never leaves the range."""
        low, high = self._ends
        at = low + place * (high - low)
        clipped = min(max(math.exp(at) if self.log else at, self.low), self.high)
        return round(clipped) if self.integer else clipped

    @property
    def _ends(self) -> tuple[float, float]:
        """The ends of the range, logarithms if it is one; of whole numbers with all that rounds to the bounds."""
        half = 0.5 if self.integer and self.low < self.high else 0.0
        low, high = self.low - half, self.high + half
        return (math.log(low), math.log(high)) if self.log else (low, high)


@dataclass(frozen=True)
class Category:
    """One of a list of values without an order."""

    choices: tuple[Value, ...]

    def sample(self, rng: Random) -> Value:
        """Any choice, all alike."""
        return rng.choice(self.choices)

    def mutate(self, rng: Random, value: Value, sigma: float) -> Value:
        """Any other choice."""
        others = [choice for choice in self.choices if choice != value]
        return rng.choice(others) if others else value

    def blend(self, rng: Random, first: Value, second: Value) -> Value:
        """One of the parents' choices."""
        return first if rng.random() < 0.5 else second

    def nearest(self, value: object) -> Value | None:
        """The value itself; of numbers the closest one."""
        if value in self.choices:
            return value
        numbers = [choice for choice in self.choices if isinstance(choice, int | float)]
        if len(numbers) < len(self.choices) or not isinstance(value, int | float):
            return None
        return min(numbers, key=lambda choice: abs(choice - value))

    def extremes(self) -> tuple[Value, ...]:
        """Every choice."""
        return self.choices


@dataclass(frozen=True)
class Leaf:
    """A parameter as conf/search_space/ writes it."""

    type: str  # float, int, zero_or (a weight: 0 or log-uniform in [low, high]), categorical
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Any, ...] | None = None
    relative_to: str | None = None  # the value is a factor of this rate of the workload
    when: dict[str, Any] | None = None  # active only while these categorical parameters have these values


def make_parameter(key: str, leaf: Leaf) -> Parameter:
    """The parameter that a leaf describes. Raises InputError for bounds or choices that make no sense."""
    if leaf.type == "categorical":
        return _category(key, leaf)
    if leaf.type not in ("float", "int", "zero_or"):
        raise unknown_name(f"type of {key}", leaf.type, ("float", "int", "zero_or", "categorical"))
    if leaf.choices is not None:
        raise InputError(f"{key}: only a categorical parameter has choices")
    if leaf.low is None or leaf.high is None:
        raise InputError(f"{key}: a parameter of type {leaf.type!r} needs low and high")
    for name, bound in (("low", leaf.low), ("high", leaf.high)):
        check_number(f"{key}.{name}", bound, -1e15, 1e15)
        if leaf.type == "int" and bound != int(bound):
            raise InputError(f"{key}.{name} must be a whole number, got {bound:g}")
    if leaf.low > leaf.high:
        raise InputError(f"{key}: low <= high must hold, got low {leaf.low:g} and high {leaf.high:g}")
    log = leaf.log or leaf.type == "zero_or"
    if log and leaf.low <= 0:
        raise InputError(f"{key}: low must be > 0 on a logarithmic range, got {leaf.low:g}")
    zero = ZERO_PROBABILITY if leaf.type == "zero_or" else 0.0
    return Number(leaf.low, leaf.high, log, leaf.type == "int", zero)


def is_free(parameter: Parameter) -> bool:
    """Whether the parameter can take more than one value."""
    return len(set(parameter.extremes())) > 1 or (isinstance(parameter, Number) and parameter.zero_probability > 0)


def _category(key: str, leaf: Leaf) -> Category:
    """A categorical parameter with distinct choices of texts or numbers."""
    if leaf.low is not None or leaf.high is not None or leaf.log:
        raise InputError(f"{key}: a categorical parameter has choices, not low, high or log")
    if not leaf.choices:
        raise InputError(f"{key}: a categorical parameter needs a list of choices")
    for choice in leaf.choices:
        if isinstance(choice, bool) or not isinstance(choice, int | float | str):
            raise InputError(f"{key}: a choice must be a text or a number, got {choice!r}")
        if leaf.choices.count(choice) > 1:
            raise InputError(f"{key}: choice {choice!r} is listed twice")
    return Category(leaf.choices)
