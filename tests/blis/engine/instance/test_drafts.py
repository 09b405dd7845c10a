"""Tokens that are guessed, in whole runs, by hand: every step takes 100 µs, drafts hold always or never."""

import pytest

from blis.config import Batch, Drafter, LatencyModel
from blis.engine.run import simulate
from blis.evaluation.itl import expand_gaps
from blis.evaluation.laws import check_laws
from tests.blis.engine.plain_times import deployment, requests

ALWAYS, NEVER = Drafter(1.0), Drafter(accepted_per_position=(0.0, 0.0))


def run(table, drafter, *, batch=None, blocks=1000, **engine):
    given = {"drafter": drafter, "batch": batch or Batch(speculative_tokens=2), **engine}
    scenario = deployment(blocks=blocks, engine=given)
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    return result


def test_three_tokens_a_step_and_in_the_last_one_what_is_left():
    """8 tokens: the first from the prompt, then 3, 3 and 1."""
    result = run(requests([0], 8), ALWAYS)
    assert (result.first_token_us.tolist(), result.completed_us.tolist()) == ([100], [400])
    assert expand_gaps(result, 0) == [100, 100, 100]
    assert (result.accepted.tolist(), result.generated_tokens.tolist()) == ([4], [8])
    assert result.instances["drafted_tokens"].tolist() == [6]
    assert result.instances["output_tokens"].tolist() == [8]


def test_one_token_a_step_if_no_draft_holds():
    result = run(requests([0], 4), NEVER)
    assert result.completed_us.tolist() == [400]
    assert (result.accepted.tolist(), result.instances["drafted_tokens"].tolist()) == ([0], [6])


def test_drafts_are_computed_as_tokens_of_a_prompt_are():
    """8 prompt tokens; then two drafts at 10 µs, one member at 5 µs and 2 x 7 µs of guessing."""
    costly = LatencyModel(beta=(100, 10, 5))
    result = run(requests([0], 4), Drafter(1.0, draft_us=7), latency_model=costly)
    assert result.first_token_us.tolist() == [180]
    assert result.completed_us.tolist() == [180 + 100 + 20 + 5 + 14]


def test_there_must_be_room_for_the_drafts_of_the_last_step():
    """8 tokens of a prompt and 3 of the 4 generated are stored; with two drafts that is a fourth block of 4 tokens."""
    assert run(requests([0], 4), NEVER, blocks=4).status_names() == ["completed"]
    assert run(requests([0], 4), NEVER, blocks=3).status_names() == ["dropped"]


@pytest.mark.parametrize(("drafter", "peak"), [(ALWAYS, 4), (NEVER, 4)])
def test_a_step_takes_blocks_for_all_drafts_and_gives_back_all(drafter, peak):
    """Of 8 + 4 tokens: 8 stored, then room up to 11 and, if none held, up to 13."""
    result = run(requests([0], 4), drafter)
    assert result.instances["peak_blocks"].tolist() == [3 if drafter is ALWAYS else peak]
    assert result.instances["used_blocks"].tolist() == [0]


def test_who_decodes_has_its_tokens_before_prompts_get_theirs():
    """A step has 9 tokens: 3 for the first request, so 6 of the second's 8 in one step and 2 in the next."""
    result = run(requests([0, 50], 12), NEVER, batch=Batch(max_scheduled_tokens=9, speculative_tokens=2))
    assert result.first_token_us.tolist() == [100, 300]


@pytest.mark.parametrize(("drafter", "cached"), [(ALWAYS, 12), (NEVER, 16)])
def test_what_held_in_the_last_step_has_no_key(drafter, cached):
    """8 + 10 tokens, of which 17 are stored; if all drafts held, 15 of them were known when a step began."""
    content, answers = [range(8), range(18)], [range(8, 18), [99]]
    result = run(requests([0, 5000], prompts=content, answers=answers), drafter)
    assert result.cached_tokens.tolist() == [0, cached]


def test_a_tenant_is_charged_for_each_token_once():
    """One at a time: 8 + 7 tokens for the first tenant, 15 + 1 for the second, whose other request goes last then."""
    content = [range(8), range(100, 115), range(200, 208), range(300, 308)]
    result = run(
        requests([0, 1, 2, 3], [7, 1, 1, 1], content, tenant=[0, 1, 1, 0]),
        ALWAYS,
        batch=Batch(max_running=1, speculative_tokens=2),
        scheduler="least-attained-service",
    )
    assert result.scheduled_us.tolist() == [0, 300, 500, 400]
