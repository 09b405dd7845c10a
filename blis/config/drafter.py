"""Speculative decoding: what the tokens are worth that a drafter guesses ahead (docs/speculative.md)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from blis.errors import InputError, check_integer, check_number

#: More draft tokens a step than anybody asks for.
MAX_DRAFTS = 64


@dataclass(frozen=True)
class Drafter:
    """How many of its tokens are accepted, and what it takes to guess one; `batch.speculative_tokens` says how many.

    acceptance: the chance of a draft token if the one before it was accepted. accepted_per_position: the chances of the
    first, the second, … to be accepted, as vLLM counts them, instead. draft_us: how much longer a step takes for each.
    """

    acceptance: float = 0.0
    accepted_per_position: tuple[float, ...] = ()
    draft_us: int = 0

    def __post_init__(self) -> None:
        """Check that chances are such, and do not grow from one position to the next."""
        check_number("drafter.acceptance", self.acceptance, 0, 1)
        check_integer("drafter.draft_us", self.draft_us, 0, 10**9)
        for position, chance in enumerate(self.accepted_per_position):
            check_number(f"drafter.accepted_per_position[{position}]", chance, 0, 1)
        if self.acceptance and self.accepted_per_position:
            raise InputError("drafter: acceptance and accepted_per_position exclude each other")
        for position, (before, chance) in enumerate(pairwise(self.accepted_per_position), 1):
            if chance > before:
                raise InputError(
                    f"drafter.accepted_per_position[{position}] is {chance:g}, more than {before:g} before it:"
                    " a draft token is accepted only after those before it"
                )

    def chances(self, drafts: int) -> tuple[float, ...]:
        """[drafts] of the first, the second, … to be accepted; there are as many as are asked for, or none is given."""
        if self.accepted_per_position:
            return self.accepted_per_position[:drafts]
        return tuple(self.acceptance**position for position in range(1, drafts + 1))

    def check(self, drafts: int) -> None:
        """Raise InputError if it is not known what so many draft tokens are worth."""
        given = len(self.accepted_per_position)
        if drafts and not self.acceptance and not given:
            raise InputError(
                f"batch.speculative_tokens is {drafts}, but nobody says how many are accepted:"
                " give instance.drafter.acceptance or instance.drafter.accepted_per_position"
            )
        if 0 < given < drafts:
            raise InputError(
                f"batch.speculative_tokens is {drafts}, but instance.drafter.accepted_per_position has {given} chances"
            )
