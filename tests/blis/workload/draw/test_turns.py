"""Conversations in tables: who waits for whom, what they carry on, and how a cap cuts them."""

import numpy as np
import pytest

from blis.api import simulate
from blis.workload.content.reuse import seen_tokens
from blis.workload.draw.generate import generate, mean_input_tokens
from blis.workload.draw.spec import load_spec
from tests.places import CONF

CHAT = {
    "version": "1",
    "seed": 42,
    "category": "reasoning",
    "aggregate_rate": 100.0,
    "num_requests": 500,
    "clients": [
        {
            "id": "multi-turn-chat",
            "tenant_id": "chat-users",
            "slo_class": "interactive",
            "rate_fraction": 1.0,
            "streaming": True,
            "arrival": {"process": "poisson"},
            "input_distribution": {
                "type": "gaussian",
                "params": {"mean": 128, "std_dev": 30, "min": 32, "max": 512},
            },
            "output_distribution": {"type": "gaussian", "params": {"mean": 64, "std_dev": 20, "min": 16, "max": 256}},
            "reasoning": {
                "reason_ratio_distribution": {
                    "type": "gaussian",
                    "params": {"mean": 0, "std_dev": 0, "min": 0, "max": 0},
                },
                "multi_turn": {"max_rounds": 5, "think_time_us": 500_000, "context_growth": "accumulate"},
            },
        }
    ],
}
SINGLE = {
    "id": "single",
    "rate_fraction": 1.0,
    "arrival": {"process": "gamma", "cv": 2.0},
    "input_distribution": {"type": "exponential", "params": {"mean": 100}},
    "output_distribution": {"type": "exponential", "params": {"mean": 100}},
}


def chat(**changes):
    return load_spec(CHAT | changes)


def with_client(**changes):
    return CHAT | {"clients": [CHAT["clients"][0] | changes]}


def by_session(table):
    """The rows of every session, in the order of its rounds."""
    rows = np.lexsort((table.round, table.session))
    rows = rows[table.session[rows] >= 0]
    return np.split(rows, np.flatnonzero(np.diff(table.session[rows])) + 1)


@pytest.mark.parametrize("version", ["1", "2"])
def test_prompts_grow_by_what_was_said_and_find_it(version):
    """Open loop: the next prompt begins with all before it, and so it is closed loop."""
    table = generate(chat(version=version), 1)
    assert len(table) == 500
    seen = seen_tokens(table)
    for rows in by_session(table):
        inputs, outputs = table.input_tokens[rows], table.output_tokens[rows]
        assert table.round[rows].tolist() == list(range(len(rows)))
        new = inputs[1:] - inputs[:-1] - outputs[:-1]
        assert np.all((new >= 32) & (new <= 512))
        # The last token of an answer is never stored.
        np.testing.assert_array_equal(seen[rows], [0, *(inputs + outputs - 1)[:-1]])


def test_open_loop_comes_when_the_estimate_says():
    """The original's: think time and 1 µs a token after the arrival before; rows are sorted by arrival."""
    table = generate(chat(), 1)
    assert np.all(np.diff(table.arrival_us) >= 0)
    for rows in by_session(table):
        np.testing.assert_array_equal(np.diff(table.arrival_us[rows]), 500_000 + table.output_tokens[rows[:-1]])


def test_closed_loop_waits_for_the_answer():
    """Rounds stand behind the one that they follow, which alone has an arrival; pauses are at least 1 µs."""
    table = generate(chat(version="2"), 1)
    opens = table.round == 0
    np.testing.assert_array_equal(table.arrival_us >= 0, opens)
    assert np.all(np.diff(table.arrival_us[opens]) >= 0)
    np.testing.assert_array_equal(table.predecessor, np.where(opens, -1, np.arange(500) - 1))
    np.testing.assert_array_equal(table.think_us, np.where(opens, 0, 500_000))
    at_once = with_client(reasoning={"multi_turn": {"max_rounds": 2}}, closed_loop=True)
    assert set(generate(load_spec(at_once), 1).think_us.tolist()) == {0, 1}


def test_both_loops_say_the_same():
    """Only when they are said differs: sessions have the same rounds, lengths and pauses."""
    tables = [generate(chat(version=version, num_requests=0, horizon=5_000_000), 1) for version in ("1", "2")]
    for name in ("input_tokens", "output_tokens", "round"):
        ours, theirs = (np.concatenate([getattr(table, name)[rows] for rows in by_session(table)]) for table in tables)
        np.testing.assert_array_equal(ours, theirs)


def test_clients_of_both_loops_stand_in_the_order_of_their_starts():
    closed = CHAT["clients"][0] | {"closed_loop": True}
    table = generate(load_spec(CHAT | {"clients": [closed, SINGLE, closed | {"id": "open", "closed_loop": False}]}), 2)
    comes = np.maximum.accumulate(table.arrival_us)
    assert np.all((table.arrival_us == comes) | (table.arrival_us == -1))
    np.testing.assert_array_equal(table.arrival_us == -1, (table.origin.client == 0) & (table.round > 0))
    follows = np.flatnonzero(table.predecessor >= 0)
    assert len(follows) > 100
    np.testing.assert_array_equal(table.session[follows], table.session[follows - 1])
    np.testing.assert_array_equal(table.round[follows], table.round[follows - 1] + 1)


def test_a_conversation_runs_as_it_is_held():
    """Every round comes when the answer before is complete and its pause is over, and finds what was said."""
    table = generate(chat(version="2"), 1)
    result = simulate(CONF / "cluster" / "h100x4.yaml", table, CONF / "policy" / "prefix2-queue1-kv1.yaml").table
    follows = np.flatnonzero(table.predecessor >= 0)
    answered = result.completed_us[table.predecessor[follows]]
    arrived = result.completed_us[follows] - result.e2e_us[follows]
    assert np.all(arrived >= answered + 500_000 - 1)
    assert result.cached_tokens[follows].sum() > 0.5 * seen_tokens(table)[follows].sum()


def test_a_session_rate_is_that_of_starts():
    table = generate(chat(num_requests=0, horizon=20_000_000), 1)
    assert (table.round == 0).sum() == pytest.approx(2000, rel=0.06)
    assert len(table) == 5 * (table.round == 0).sum()
    assert table.arrival_us[table.round == 0].max() < 20_000_000 < table.arrival_us.max()
    assert (table.input_tokens.sum() / (table.round == 0).sum()) == pytest.approx(mean_input_tokens(chat()), rel=0.02)


def test_without_growth_every_prompt_stands_for_itself():
    reasoning = {"multi_turn": {"max_rounds": 5}}
    table = generate(load_spec(with_client(reasoning=reasoning)), 1)
    assert table.input_tokens.max() <= 512
    assert table.tree.n_shared == 0
    assert table.round.max() == 4


def test_a_prefix_stands_once_at_the_head_and_windows_bound_the_starts():
    """Prefix, windows and streaming hold for conversations, too."""
    windows = {"windows": [{"start_us": 2_000_000, "end_us": 3_000_000}]}
    with_prefix = with_client(prefix_group="system", prefix_length=64, lifecycle=windows)
    table = generate(load_spec(with_prefix), 1)
    starts = table.arrival_us[table.round == 0]
    assert starts.min() >= 2_000_000 and starts.max() < 3_000_000
    assert len(table) == 500 or len(starts) * 5 == len(table)
    first, second = (table.input_tokens[table.round == number] for number in (0, 1))
    assert first.min() >= 64 + 32 and first.max() <= 64 + 512
    assert second.min() >= 64 + 32 + 16 + 32 and second.max() <= 64 + 512 + 256 + 512
    assert table.origin.streaming == (True,)


def test_drawn_rounds_and_pauses_differ():
    multi_turn = {
        "max_rounds": 30,
        "rounds_distribution": {"type": "exponential", "params": {"mean": 4}},
        "think_time_distribution": {"type": "exponential", "params": {"mean": 1_000_000}},
    }
    table = generate(load_spec(with_client(reasoning={"multi_turn": multi_turn})), 1, n=5000)
    lengths = [len(rows) for rows in by_session(table)]
    assert len(set(lengths)) > 5
    pauses = np.concatenate(
        [np.diff(table.arrival_us[rows]) - table.output_tokens[rows[:-1]] for rows in by_session(table)]
    )
    assert len(set(pauses.tolist())) > 0.9 * len(pauses)


def test_single_requests_beside_conversations_keep_their_draws():
    both = CHAT | {"clients": [*CHAT["clients"], SINGLE]}
    alone = load_spec(CHAT | {"clients": [SINGLE], "aggregate_rate": 50.0})
    table = generate(load_spec(both), 3)
    rows = table.session < 0
    reference = generate(alone, 3, n=int(rows.sum()))
    for name in ("arrival_us", "input_tokens", "output_tokens"):
        np.testing.assert_array_equal(getattr(table, name)[rows], getattr(reference, name))


def test_a_longer_table_has_all_sessions_of_a_shorter_one():
    short, long = generate(chat(), 4, n=300), generate(chat(), 4, n=900)
    for name in ("arrival_us", "input_tokens", "output_tokens", "round"):
        np.testing.assert_array_equal(getattr(short, name), getattr(long, name)[:300])


def test_reason_ratios_are_percentages_that_may_be_nothing():
    table = generate(chat(), 1)
    assert not table.origin.reason_ratio.any()
    some = {
        "reason_ratio_distribution": {"type": "gaussian", "params": {"mean": 40, "std_dev": 50, "min": 0, "max": 100}}
    }
    ratios = generate(load_spec(with_client(reasoning=some)), 1).origin.reason_ratio
    assert (ratios.min(), ratios.max()) == (0, 1)
    assert ratios.mean() == pytest.approx(0.43, abs=0.05)


@pytest.mark.parametrize("version", ["1", "2"])
def test_in_a_closed_loop_the_next_turn_waits_for_the_ways_of_the_answer_and_of_its_own_prompt(version):
    near = generate(load_spec(CHAT | {"version": version}), 7)
    far = generate(load_spec(with_client(network={"rtt_ms": 40, "bandwidth_mbps": 8}) | {"version": version}), 7)
    np.testing.assert_array_equal(near.arrival_us, far.arrival_us)
    assert near.closed == far.closed == (version == "2")
    if far.closed:
        waits = far.predecessor >= 0
        tokens = far.output_tokens[far.predecessor] + far.input_tokens
        np.testing.assert_array_equal((far.think_us - near.think_us)[waits], 40_000 + 4 * tokens[waits])
        assert not far.think_us[~waits].any()
