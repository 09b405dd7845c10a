"""Twins: what is drawn from the profile of known requests is like these."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from blis.errors import InputError
from blis.workload.assemble import assemble
from blis.workload.content.reuse import ideal_hit_rate
from blis.workload.content.tree import intern_sequences
from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec, spec_mapping
from blis.workload.profile.fit import profile
from blis.workload.profile.sessions import Rounds


def known(**changes):
    client = {
        "rate_fraction": 1,
        "arrival": {"process": "gamma", "cv": 2.0},
        "input_distribution": {"type": "exponential", "params": {"mean": 700}},
        "output_distribution": {"type": "exponential", "params": {"mean": 90}},
        **changes,
    }
    return {"version": "2", "aggregate_rate": 8, "num_requests": 4000, "clients": [client]}


def prefixes():
    lengths = {"type": "exponential", "params": {"mean": 400}}
    population = {
        "arrival": {"process": "poisson"},
        "tenants": {"count": 40, "zipf": 1.0},
        "classes": {"standard": 1},
        "prefix": {"share": 0.8, "length_distribution": {"type": "log_uniform", "params": {"min": 500, "max": 3000}}},
        "input_distribution": lengths,
        "output_distribution": lengths,
    }
    return {"version": "2", "aggregate_rate": 8, "num_requests": 4000, "population": population}


def both(mapping):
    table = generate(load_spec(mapping), 1)
    return table, generate(profile(table, "twin").spec, 2)


def test_rates_and_lengths_are_those_of_the_trace():
    table, twin = both(known())
    assert twin.offered_per_s == pytest.approx(table.offered_per_s, rel=0.1)
    gaps = [np.diff(one.arrival_us) for one in (table, twin)]
    assert gaps[1].std() / gaps[1].mean() == pytest.approx(2, rel=0.1)
    assert ks_2samp(*gaps).statistic < 0.06
    for name in ("input_tokens", "output_tokens"):
        columns = [getattr(one, name) for one in (table, twin)]
        assert columns[1].mean() == pytest.approx(columns[0].mean(), rel=0.05)
        assert ks_2samp(*columns).statistic < 0.05


def test_prompts_share_as_much_as_those_of_the_trace():
    table, twin = both(prefixes())
    assert ideal_hit_rate(table, 16) > 0.5
    assert ideal_hit_rate(twin, 16) == pytest.approx(ideal_hit_rate(table, 16), abs=0.03)


def test_conversations_are_as_long_and_share_as_much_as_those_of_the_trace():
    turns = {"max_rounds": 5, "think_time_us": 4_000_000, "context_growth": "accumulate"}
    table, twin = both(known(reasoning={"multi_turn": turns}, closed_loop=False))
    sizes = [Rounds.of(one).sizes for one in (table, twin)]
    assert sizes[1].mean() == pytest.approx(sizes[0].mean(), rel=0.05)
    assert twin.input_tokens.mean() == pytest.approx(table.input_tokens.mean(), rel=0.05)
    assert ideal_hit_rate(twin, 16) == pytest.approx(ideal_hit_rate(table, 16), abs=0.03)


def test_closed_loops_stay_closed():
    turns = {"max_rounds": 3, "think_time_us": 2_000_000, "context_growth": "accumulate"}
    table, twin = both(known(reasoning={"multi_turn": turns}))
    assert table.closed and twin.closed
    waits = twin.predecessor >= 0
    assert twin.think_us[waits].mean() == pytest.approx(2_000_000, rel=0.01)


def sessions_that_share(begins, n=400, rounds=4):
    """Open-loop sessions whose prompts are as long as if they went on; begins: (session, round) -> shared spans."""
    random = np.random.default_rng(3)
    new, outputs = random.integers(100, 300, (n, rounds)), np.full((n, rounds), 20)
    inputs = np.cumsum(new + outputs, axis=1) - outputs
    sequences = []
    for talk in range(n):
        for turn in range(rounds):
            shared = begins(talk, turn, inputs[talk])
            own = int(inputs[talk, turn]) + 20 - sum(length for _, _, length in shared)
            sequences.append([*shared, ((talk, turn), 0, own)])
    starts = np.sort(random.integers(0, 10**9, n))
    return assemble(
        intern_sequences(sequences, inputs.ravel().tolist()),
        arrival_us=(starts[:, None] + np.arange(rounds)).ravel(),
        input_tokens=inputs.ravel(),
        output_tokens=outputs.ravel(),
        session=np.repeat(np.arange(n), rounds),
        round_number=np.tile(np.arange(rounds), n),
        session_names=tuple(map(str, range(n))),
    )


SHARES = {
    "nothing": lambda talk, turn, inputs: [],
    "a system prompt": lambda talk, turn, inputs: [("system", 0, 80)],
    "a part of what was said": lambda talk, turn, inputs: [(f"talk {talk}", 0, int(inputs[turn]) // 2)],
    "all prompts": lambda talk, turn, inputs: [(f"talk {talk}", 0, int(inputs[turn]))],
}


@pytest.mark.parametrize("share", SHARES)
def test_sessions_share_what_the_trace_shares_however_long_their_prompts_are(share):
    table = sessions_that_share(SHARES[share])
    found = profile(table, "twin")
    twin = generate(found.spec, 2)
    assert ideal_hit_rate(twin, 16) == pytest.approx(ideal_hit_rate(table, 16), abs=0.06)
    assert (twin.input_tokens.mean(), Rounds.of(twin).sizes.mean()) == pytest.approx(
        (table.input_tokens.mean(), 4), rel=0.06
    )
    accumulates = share == "all prompts"
    assert any("grow from round to round" in line for line in found.left_out) != accumulates
    assert any("of it; they begin with all that was said" in line for line in found.left_out) == accumulates
    assert any("of what was said before" in line for line in found.left_out) == (share in list(SHARES)[1:3])


def test_the_specification_reads_back_and_no_number_of_it_tells_of_one_request():
    table = generate(load_spec(prefixes()), 3)
    spec = profile(table, "twin").spec
    assert load_spec(spec_mapping(spec)) == spec
    client = spec.clients[0]
    weights = [
        *client.input_distribution.params.values(),
        *client.output_distribution.params.values(),
        *(cell.weight for cell in spec.reuse),
        *(weight for row in client.length_coupling for weight in row if weight),
    ]
    assert min(weights) >= 5


def test_what_is_not_carried_is_said():
    population = prefixes()
    population["population"]["classes"] = {"critical": 0.5, "batch": 0.5}
    lines = profile(generate(load_spec(population), 1), "twin").left_out
    assert {"classes (2)", "tenants (40)"} <= set(lines)
    assert any(line.startswith("which prompts share") for line in lines)
    assert not any("share" in line for line in profile(generate(load_spec(known()), 1), "twin").left_out)


def test_a_few_requests_have_no_profile():
    with pytest.raises(InputError, match="49 requests are too few for a profile that tells of none; it takes 50"):
        profile(generate(load_spec(known()), 1, n=49), "twin")
    turns = {"max_rounds": 8, "think_time_us": 1}
    table = generate(load_spec(known(reasoning={"multi_turn": turns}, closed_loop=False)), 1, n=80)
    with pytest.raises(InputError, match="conversations are too few"):
        profile(table, "twin")
