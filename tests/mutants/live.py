"""Faults in live runs and in what is served of them."""

from __future__ import annotations

from tests.mutants import Mutant

_LIVE = "blis/engine/live/live.py"
_ROOMS = "blis/engine/live/rooms.py"
_CONTENTS = "blis/engine/live/contents.py"
_STATE = "blis/engine/build/state.py"
_FLEET = "blis/serve/fleet.py"
_WORDS = "blis/serve/words.py"
_SERVICE = "blis/serve/service.py"
_SERVED = ("tests/blis/serve",)
_LAW = ("tests/laws/test_live.py",)
_OWN = ("tests/blis/engine/live",)

MUTANTS = (
    Mutant(_STATE, 'log["count"][: len(latest)] = 0', "pass", _OWN, "steps are told twice"),
    Mutant(
        _LIVE,
        "ticket.step_end_us + number * self._overhead_us[ticket.instance]",
        "ticket.step_end_us + self._overhead_us[ticket.instance]",
        _LAW,
        "tokens after the first carry one overhead",
    ),
    Mutant(
        "blis/engine/live/entrance.py",
        "prompt_end = prompt_tokens // size * size or prompt_tokens",
        "prompt_end = prompt_tokens",
        _OWN,
        "prompts that differ behind their last full block have homes of their own",
    ),
    Mutant(_ROOMS, "arrays.times[:, r] = NONE", "pass", _OWN, "times of who was there before"),
    Mutant(
        _CONTENTS, "wanted = self._users > 0", "wanted = self._users > 1", _OWN, "blocks of who is here are forgotten"
    ),
    Mutant(
        _CONTENTS,
        "so_far.copy().digest()",
        "blake2b(tokens[end - 1 : end].tobytes(), digest_size=16).digest()",
        _OWN,
        "blocks are equal if their last tokens are",
    ),
    Mutant(_FLEET, "* self.speed * 1e6)", "* 1e6)", _SERVED, "time goes as on the wall, whatever the speed"),
    Mutant(
        _FLEET, "min(self.live.next_us + 1,", "min(self.live.next_us + 10**6,", _SERVED, "the fleet wakes a second late"
    ),
    Mutant(
        _WORDS, 'tokens_of(f" {word}")', "tokens_of(word)", _SERVED, "words of an answer have other tokens in a prompt"
    ),
    Mutant(
        _SERVICE,
        "self.fleet.give_up(answer)\n            raise",
        "raise",
        _SERVED,
        "who goes away is answered for ever",
    ),
)
