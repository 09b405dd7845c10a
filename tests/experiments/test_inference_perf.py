"""Requests of a load generator: who sends what, in which order, and what of it has been seen before."""

from dataclasses import replace

import numpy as np
import pytest

from blis.workload.content.reuse import seen_tokens
from experiments.inference_perf import PAUSE_S, Chats, Prompts, Stage, arrivals

PROMPTS = Prompts(3, 2, 100, 20, 10, warm_up=Stage(6, 1), stages=(Stage(2, 3), Stage(6, 2)), poisson=False)
CHATS = Chats(2, 2, 50, (30, 0), (10, 0), largest_answer=100, longest_prompt=1_000, stages=(Stage(4, 5),))


@pytest.mark.parametrize("poisson", [False, True])
def test_every_stage_has_as_many_as_its_rate_says_and_begins_after_a_pause(poisson):
    time_us, stage = arrivals([Stage(5, 4), Stage(2, 3)], poisson, np.random.default_rng(0))
    assert np.bincount(stage).tolist() == [20, 6]
    assert (np.diff(time_us) >= 0).all()
    second_s = time_us[stage == 1] / 1e6 - (4 + PAUSE_S)
    assert second_s.min() >= 0 and second_s.max() < 3
    assert (len(set(np.diff(second_s).round(3))) == 1) is not poisson


def test_the_warm_up_is_a_stage_of_its_own():
    assert np.bincount(PROMPTS.load(0).stage + 1).tolist() == [6, 6, 12]


def test_everybody_sends_once_before_anybody_sends_again():
    load = PROMPTS.load(1)
    seen = seen_tokens(load.requests)
    assert sorted(seen[:6].tolist()) == [
        0,
        0,
        0,
        100,
        100,
        100,
    ]  # of a group the first sees nothing, the second a prefix
    assert (seen[6:] == 120).all()  # then the same prompts again
    assert (load.requests.input_tokens == 120).all() and (load.requests.output_tokens == 10).all()


def test_the_order_comes_from_the_seed():
    def first_of_groups(seed):
        return seen_tokens(PROMPTS.load(seed).requests)[:6].tolist()

    assert first_of_groups(1) == first_of_groups(1)
    assert len({tuple(first_of_groups(seed)) for seed in range(5)}) > 1


def test_a_chat_grows_by_questions_and_answers_and_has_been_seen_but_for_the_new_question():
    requests = CHATS.load(0).requests
    rounds = np.arange(20) // 4
    assert requests.input_tokens.tolist() == (50 + 40 * rounds + 30).tolist()
    later = rounds > 0
    unseen = (requests.input_tokens - seen_tokens(requests))[later]
    assert (unseen == 30 + 1).all()  # the last token of an answer is not stored


def test_a_chat_that_would_be_too_long_begins_anew():
    requests = replace(CHATS, longest_prompt=130).load(0).requests
    assert requests.input_tokens.tolist() == [80] * 4 + [120] * 4 + [80] * 4 + [120] * 4 + [80] * 4
    assert (seen_tokens(requests)[8:12] == 50).all()  # another conversation: only the group's prefix is known


def test_lengths_of_a_chat_are_a_users_own_and_held_in_their_limits():
    chats = replace(CHATS, users=50, question=(30, 500), answer=(10, 300), stages=(Stage(20, 5),))
    requests = chats.load(0).requests
    assert requests.output_tokens.min() >= 1 and requests.output_tokens.max() <= 100
    assert requests.input_tokens.max() <= 1_000 and len(set(requests.input_tokens.tolist())) > 20
