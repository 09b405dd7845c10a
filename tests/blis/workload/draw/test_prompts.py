import numpy as np

from blis.workload.draw.prompts import Streams, draw_prompts, rounds_of, rows_of_senders
from blis.workload.draw.spec import load_spec
from blis.workload.draw.streams import Fresh
from tests.blis.workload.draw.test_spec import CLIENTS, POPULATION, changed


def test_every_sender_gets_its_rows_in_order():
    sender = np.array([2, 0, 2, 0, 0], np.int32)
    found = {number: (rows.tolist(), count) for number, rows, count in rows_of_senders(sender, 4)}
    assert found == {0: ([1, 3, 4], 3), 2: ([0, 2], 2)}


def test_a_sender_draws_the_same_whoever_sends_between():
    spec = load_spec(CLIENTS)
    mixed = draw_prompts(spec, Fresh(1), np.array([0, 1, 1, 0, 1], np.int32), np.ones(5, bool))
    alone = draw_prompts(spec, Fresh(1), np.zeros(2, np.int32), np.ones(2, bool))
    assert mixed.own_tokens[[0, 3]].tolist() == alone.own_tokens.tolist()
    assert mixed.output_tokens[[0, 3]].tolist() == alone.output_tokens.tolist()
    assert mixed.modality_tokens is None and mixed.reason_ratio is None


def opened_by(first, **more):
    """Client 1 of two: its conversations open with prompts of these lengths."""
    talks = {"multi_turn": {"max_rounds": 2, "first_input_distribution": first}}
    client = {"reasoning": talks, **more}
    return load_spec(changed(CLIENTS, ["clients", 1], CLIENTS["clients"][1] | client))


def test_prompts_that_open_conversations_have_their_own_lengths_and_change_no_others():
    constant = {"type": "constant", "params": {"value": 777}}
    sender, opens = np.array([0, 1, 1, 1, 1], np.int32), np.array([True, True, False, True, False])
    plain = draw_prompts(load_spec(CLIENTS), Fresh(1), sender, opens).own_tokens
    found = draw_prompts(opened_by(constant), Fresh(1), sender, opens).own_tokens
    assert found.tolist() == [plain[0], 777, plain[2], 777, plain[4]]


def test_outputs_are_coupled_to_the_prompts_that_open_too():
    """Of the shorter half of prompts all have an output of 1 token, of the longer half of 2, in each kind."""

    def halves(short, long):
        return {"type": "empirical", "params": {short: 1, long: 1}}

    spec = opened_by(
        halves("10", "20"),
        input_distribution=halves("30", "40"),
        output_distribution=halves("1", "2"),
        length_coupling=[[1, 0], [0, 1]],
    )
    found = draw_prompts(spec, Fresh(1), np.ones(400, np.int32), np.arange(400) % 2 == 0)
    pairs = set(zip(found.own_tokens.tolist(), found.output_tokens.tolist(), strict=True))
    assert pairs == {(10, 1), (20, 2), (30, 1), (40, 2)}


def test_the_streams_of_a_population_have_no_name_in_them():
    assert Streams(Fresh(1), "")("input").random() == Streams(Fresh(1), "").__call__("input").random()
    assert Streams(Fresh(1), "")("input").random() != Streams(Fresh(1), "client")("input").random()


def test_only_senders_with_conversations_have_rounds():
    assert rounds_of(load_spec(POPULATION), 1, np.zeros(3, np.int32)) is None
    talks = changed(CLIENTS, ["clients", 1, "reasoning"], {"multi_turn": {"max_rounds": 3}})
    assert rounds_of(load_spec(talks), 1, np.array([0, 1, 0], np.int32)).tolist() == [1, 3, 1]
