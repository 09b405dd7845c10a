"""Which adapters are drawn: with their shares, the same whatever else is drawn, one a conversation."""

import numpy as np
import pytest
from scipy import stats

from blis.errors import InputError
from blis.workload.draw.adapters import Adapters
from blis.workload.draw.generate import generate
from blis.workload.draw.in_chunks import generate_in_chunks
from blis.workload.draw.spec import load_spec, spec_mapping
from blis.workload.draw.streams import stream
from tests.blis.workload.draw.test_spec import CLIENTS, POPULATION, changed


def populated(**adapters):
    return load_spec(changed(POPULATION, ["population", "adapters"], adapters))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "give shares by name or a count"),
        ({"count": 2, "shares": {"a": 0.5}}, "give shares by name or a count"),
        ({"shares": {"a": 0.6, "b": 0.5}}, "must sum to at most 1, got 1.1"),
        ({"shares": {"": 0.5}}, "must have a name"),
        ({"shares": {"a": 2}}, "adapters.shares.a must be"),
        ({"shares": {"a": 1.0}, "zipf": 1}, "go with a count"),
        ({"count": -1}, "adapters.count must be"),
        ({"count": 2, "share": 1.5}, "adapters.share must be"),
        ({"count": 2, "by": "class"}, "adapters.by"),
    ],
)
def test_what_is_wrong_is_said(given, words):
    with pytest.raises(InputError, match=words):
        Adapters(**given)


def test_a_client_is_one_tenant():
    with pytest.raises(InputError, match=r"clients\[0\].*adapters.by: a client is one tenant"):
        load_spec(changed(CLIENTS, ["clients", 0, "adapters"], {"count": 2, "by": "tenant"}))


def test_they_are_drawn_with_their_shares():
    """Chi-square at the level 0.001."""
    table = generate(populated(count=20, zipf=1.0, share=0.8), 3, 40_000)
    weights = 1 / np.arange(1, 21)
    expected = 40_000 * np.array([0.2, *(0.8 * weights / weights.sum())])
    assert stats.chisquare(np.bincount(table.adapter + 1, minlength=21), expected).pvalue > 0.001
    assert table.adapter_names == tuple(f"adapter_{i}" for i in range(20))


def test_by_name_the_rest_is_for_the_base_model():
    table = generate(populated(shares={"sql": 0.5, "law": 0.3}), 3, 20_000)
    found = np.bincount(table.adapter + 1, minlength=3) / 20_000
    assert found == pytest.approx([0.2, 0.5, 0.3], abs=0.02)
    assert table.adapter_names == ("sql", "law")


def test_tenants_have_their_own():
    spec = populated(count=3, by="tenant")
    table = generate(spec, 5, 2000)
    number = np.array([int(name.removeprefix("tenant_")) for name in table.tenant_names])[table.tenant]
    np.testing.assert_array_equal(table.adapter, number % 3)
    some = generate(populated(count=3, by="tenant", share=0.5), 5, 2000).adapter
    assert (some >= 0).mean() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_array_equal(some[some >= 0], (number % 3)[some >= 0])


def test_nothing_else_changes():
    with_some, without = generate(populated(count=5), 7, 500), generate(load_spec(POPULATION), 7, 500)
    for name in ("arrival_us", "input_tokens", "output_tokens", "tenant", "slo_class", "uniform"):
        np.testing.assert_array_equal(getattr(with_some, name), getattr(without, name))
    assert without.adapter is None


def test_they_have_a_stream_of_their_own():
    """So they hang together with nothing else that is drawn."""
    table = generate(populated(count=4), 7, 500)
    np.testing.assert_array_equal(table.adapter, stream(7, "workload/adapter").random(500) * 4 // 1)


def test_clients_have_theirs_and_their_names_are_those_of_all():
    spec = load_spec(changed(CLIENTS, ["clients", 1, "adapters"], {"shares": {"sql": 1.0}}))
    table = generate(spec, 1, 400)
    assert table.adapter_names == ("sql",)
    np.testing.assert_array_equal(table.adapter, np.where(table.origin.client == 1, 0, -1))
    assert load_spec(spec_mapping(spec)) == spec


def test_a_conversation_stays_with_one():
    talks = {
        "reasoning": {
            "multi_turn": {"max_rounds": 4, "think_time_us": 1000, "context_growth": "accumulate"},
        }
    }
    spec = load_spec(POPULATION | {"population": POPULATION["population"] | talks | {"adapters": {"count": 4}}})
    table = generate(spec, 1, 400)
    per_session = [set(table.adapter[table.session == one].tolist()) for one in range(len(table.session_names))]
    assert max(map(len, per_session)) == 1 and len(set.union(*per_session)) == 4


def test_they_are_not_drawn_in_chunks():
    with pytest.raises(InputError, match=r"population: adapters: .*cannot be drawn in chunks"):
        generate_in_chunks(populated(count=2), 1)
