import numpy as np

from blis.workload.draw.prompts import Streams, draw_prompts, rounds_of, rows_of_senders
from blis.workload.draw.spec import load_spec
from tests.blis.workload.draw.test_spec import CLIENTS, POPULATION, changed


def test_every_sender_gets_its_rows_in_order():
    sender = np.array([2, 0, 2, 0, 0], np.int32)
    found = {number: (rows.tolist(), count) for number, rows, count in rows_of_senders(sender, 4)}
    assert found == {0: ([1, 3, 4], 3), 2: ([0, 2], 2)}


def test_a_sender_draws_the_same_whoever_sends_between():
    spec = load_spec(CLIENTS)
    mixed = draw_prompts(spec, 1, np.array([0, 1, 1, 0, 1], np.int32))
    alone = draw_prompts(spec, 1, np.zeros(2, np.int32))
    assert mixed.own_tokens[[0, 3]].tolist() == alone.own_tokens.tolist()
    assert mixed.output_tokens[[0, 3]].tolist() == alone.output_tokens.tolist()
    assert mixed.modality_tokens is None and mixed.reason_ratio is None


def test_the_streams_of_a_population_have_no_name_in_them():
    assert Streams(1, "")("input").random() == Streams(1, "").__call__("input").random()
    assert Streams(1, "")("input").random() != Streams(1, "client")("input").random()


def test_only_senders_with_conversations_have_rounds():
    assert rounds_of(load_spec(POPULATION), 1, np.zeros(3, np.int32)) is None
    talks = changed(CLIENTS, ["clients", 1, "reasoning"], {"multi_turn": {"max_rounds": 3}})
    assert rounds_of(load_spec(talks), 1, np.array([0, 1, 0], np.int32)).tolist() == [1, 3, 1]
