"""What the cache signal shows of a prompt, in runs that can be told by hand: blocks of 4 tokens, steps of 100 µs."""

from __future__ import annotations

import pytest

from blis.config import Batch, Routing, Scorer, Signal, Signals
from blis.engine.observe import Observe
from blis.engine.run import simulate
from tests.blis.engine.plain_times import deployment, requests

TEXT = list(range(20))


def shown(table, age_us: int = 0, blocks: int = 1000, chunk_tokens: int = 0) -> list[int]:
    """Leading blocks of each prompt that its decision saw cached on the only instance."""
    scorers, signals = (Scorer("precise-prefix-cache", 1),), Signals(cache=Signal(age_us))
    routing = Routing("weighted", scorers=scorers, signals=signals)
    engine = {"batch": Batch(long_prefill_threshold=chunk_tokens)}
    scenario = deployment(blocks=blocks, engine=engine, routing=routing)
    return simulate(scenario, table, observe=Observe(decisions=True)).decisions["cached_blocks"][:, 0].tolist()


def test_full_blocks_of_the_prompt_count():
    prompts = [TEXT[:11], TEXT[:11], TEXT[:8], [*TEXT[:6], 99, 98], [99]]
    assert shown(requests([0, 100, 101, 102, 103], 1, prompts)) == [0, 2, 2, 1, 0]


def test_what_a_request_will_generate_does_not_count():
    # both generate the tokens 6 to 9; the first has stored 9 tokens when the second is routed
    table = requests([0, 400], prompts=[TEXT[:6]] * 2, answers=[TEXT[6:10]] * 2)
    assert shown(table) == [0, 1]


def test_a_prompt_counts_up_to_its_first_missing_block():
    # of four blocks the second request takes the empty one and the last of the text's
    assert shown(requests([0, 100, 200], 1, [TEXT[:12], range(500, 508), TEXT[:12]]), blocks=4) == [0, 0, 2]


@pytest.mark.parametrize(("age_us", "cached"), [(0, [0, 2, 3, 4]), (150, [0, 0, 3, 4]), (200, [0, 0, 3, 3])])
def test_the_signal_is_what_was_cached_before_its_instant(age_us, cached):
    # 8 tokens are filled in the step at 0, 4 more by each of the next two turns; grids: 0, 150, 300 and 0, 200
    table = requests([0, 100, 200, 300], 1, [TEXT[:8], TEXT[:12], TEXT[:16], TEXT[:17]])
    assert shown(table, age_us) == cached


def test_two_changes_since_the_instant_are_one():
    # the text is filled block by block in the steps from 0 on; at 200 two blocks were, at 390 four are
    table = requests([0, 390], 1, [TEXT[:17], TEXT[:18]])
    assert shown(table, 200, chunk_tokens=4) == [0, 2]
    assert shown(table, 0, chunk_tokens=4) == [0, 4]
