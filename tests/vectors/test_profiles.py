"""Every switch of an engine on a few requests worked out by hand, for the engine and for the oracle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from blis.config import KV, PROFILES, Batch, Engine, Instance, LatencyModel, Scenario
from blis.engine.run import simulate
from blis.tables.records import COMPLETED, DROPPED
from blis.tables.results import ResultTable
from blis.workload.assemble import table_from_tokens
from tests.oracle import Setup, expand
from tests.oracle import simulate as simulate_plainly

Request = tuple[int, Sequence[int], int]  # arrival_us, prompt, outputs

BLOCK_TOKENS = 4
ORIGINAL = Engine()
COLUMNS = ("status", "scheduled_us", "first_token_us", "completed_us", "preemptions", "cached_tokens")


def own(request: int, tokens: int) -> list[int]:
    """A text that no other request has."""
    return [1000 * (request + 1) + token for token in range(tokens)]


def run(engine: Engine, requests: Sequence[Request], blocks: int = 1000, **batch: int) -> ResultTable:
    """Steps take 100 µs and 1 µs a prefill token; both simulators say the same."""
    outputs = [[-1000 * row - token for token in range(1, count + 1)] for row, (_, _, count) in enumerate(requests)]
    table = table_from_tokens([each[0] for each in requests], [list(each[1]) for each in requests], outputs)
    model = LatencyModel(beta=(100, 1, 0))
    scenario = Scenario(Instance(model, KV(blocks, BLOCK_TOKENS), Batch(**batch), engine))
    result, plain = simulate(scenario, table), simulate_plainly(Setup.from_scenario(scenario), expand(table))
    for name in COLUMNS:
        assert getattr(result, name).tolist() == getattr(plain, name), name
    return result


def test_the_whole_prompt_must_fit():
    """9 blocks: the first request holds 5 when it has 4 prompt tokens left for a step of 8, and takes all 9 in time."""
    requests = [(0, own(0, 20), 16), (0, own(1, 20), 1)]
    chunk = run(ORIGINAL, requests, 9, max_scheduled_tokens=8)
    assert chunk.scheduled_us.tolist() == [0, 216] and chunk.preemptions[1] > 0
    whole = run(replace(ORIGINAL, reserve_full_prompt=True), requests, 9, max_scheduled_tokens=8)
    assert whole.preemptions.tolist() == [0, 0]
    assert whole.scheduled_us.tolist() == [0, 1820]
    assert whole.completed_us.tolist() == [320 + 15 * 100, 1820 + 320]


def test_cached_blocks_count_for_who_wants_to_fit_as_a_whole():
    """9 blocks, of which a running request holds 6: 2 of the 5 that another one wants are among them, so 3 fit."""
    shared = own(9, 8)
    requests = [(0, shared + own(0, 12), 2), (50, shared + own(1, 12), 1), (60, own(2, 20), 1)]
    result = run(replace(ORIGINAL, reserve_full_prompt=True), requests, 9)
    assert result.scheduled_us.tolist() == [0, 120, 232] and result.cached_tokens.tolist() == [0, 8, 0]


@pytest.mark.parametrize(("engine", "found"), [(ORIGINAL, 0), (replace(ORIGINAL, unkeyed_first=True), 4)])
def test_blocks_that_are_not_full_are_taken_first(engine: Engine, found: int):
    """3 blocks: two requests leave a full one and another, a third takes one, a fourth asks for what the first left."""
    first = own(0, 5)
    requests = [(0, first, 1), (1000, own(1, 5), 1), (2000, own(2, 3), 1), (3000, first, 1)]
    assert run(engine, requests, 3).cached_tokens.tolist() == [0, 0, 0, found]


@pytest.mark.parametrize(
    ("engine", "first_token_us", "completed_us"),
    [
        (ORIGINAL, [104 + 108 + 108, 424], [424, 424]),
        (replace(ORIGINAL, whole_lone_prefill=True), [112, 324], [216, 324]),
    ],
)
def test_the_threshold_is_not_for_who_is_alone(engine: Engine, first_token_us: list[int], completed_us: list[int]):
    """The second request comes in the first step, has 4 tokens beside the other one, and the rest when that is done."""
    result = run(engine, [(0, own(0, 12), 2), (50, own(1, 12), 1)], long_prefill_threshold=4)
    assert result.first_token_us.tolist() == first_token_us
    assert result.completed_us.tolist() == completed_us


AHEAD = replace(ORIGINAL, async_scheduling=True)


def test_a_batch_is_chosen_when_the_step_before_begins():
    """Steps at 0, 110 and 210: who comes at 50 is seen at 110 and served from 210, in the third step."""
    requests = [(0, own(0, 10), 3), (50, own(1, 10), 1)]
    assert run(ORIGINAL, requests).completed_us.tolist() == [110 + 110 + 100, 220]
    result = run(AHEAD, requests)
    assert result.scheduled_us.tolist() == [0, 210]
    assert result.completed_us.tolist() == [110 + 100 + 110, 320]


def test_who_comes_when_a_step_ends_is_seen_then():
    """The step from 110 on was chosen at 0; that from 210 on is chosen at 110."""
    assert run(AHEAD, [(0, own(0, 10), 5), (110, own(1, 10), 1)]).scheduled_us.tolist() == [0, 210]
    assert run(AHEAD, [(0, own(0, 10), 5), (111, own(1, 10), 1)]).scheduled_us.tolist() == [0, 310]


@pytest.mark.parametrize(("blocks", "max_running"), [(1000, 2), (8, 100)])
def test_who_has_the_last_token_under_way_keeps_place_and_blocks(blocks: int, max_running: int):
    """The second one's last token comes out at 320, where a batch without the third starts; the next is chosen then."""
    requests = [(0, own(0, 10), 6), (50, own(1, 10), 1), (115, own(2, 10), 1)]
    result = run(AHEAD, requests, blocks, max_running=max_running)
    assert result.scheduled_us.tolist() == [0, 210, 420]
    assert result.completed_us.tolist() == [630, 320, 530]
    assert run(ORIGINAL, requests, blocks, max_running=max_running).scheduled_us.tolist() == [0, 110, 220]


def test_where_nothing_was_to_be_done_the_batch_is_chosen_at_once():
    """Both have their last token at 320; nobody could be chosen at 210, so the third is at 320 and not a step later."""
    requests = [(0, own(0, 10), 3), (50, own(1, 10), 1), (115, own(2, 10), 1)]
    result = run(AHEAD, requests, max_running=2)
    assert result.scheduled_us.tolist() == [0, 210, 320]
    assert result.completed_us.tolist() == [320, 320, 430]


def test_an_idle_instance_begins_at_once():
    assert run(AHEAD, [(7, own(0, 10), 1), (500, own(1, 10), 1)]).completed_us.tolist() == [117, 610]


def test_a_sequence_ends_at_the_longest_and_a_longer_prompt_is_dropped():
    requests = [(0, own(0, 10), 5), (0, own(1, 11), 5), (0, own(2, 12), 5), (0, own(3, 13), 0), (0, own(4, 4), 8)]
    result = run(replace(ORIGINAL, max_model_len=12), requests)
    assert result.generated_tokens.tolist() == [2, 1, 0, 0, 8]
    assert result.status.tolist() == [COMPLETED, COMPLETED, DROPPED, DROPPED, COMPLETED]


@pytest.mark.parametrize("name", ["original", "vllm-0.8"])
def test_profiles_of_early_2025_switch_nothing_on(name: str):
    assert replace(PROFILES[name], profile="original") == ORIGINAL


def test_the_profile_of_2026_switches_all_on():
    latest = PROFILES["vllm-2026"]
    assert latest == Engine("vllm-2026", True, True, True, True, 0)
