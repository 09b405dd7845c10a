import numpy as np
import pytest
from scipy import stats

from blis.workload.draw.senders import Tenants
from blis.workload.draw.spec import load_spec
from blis.workload.draw.streams import Fresh
from blis.workload.draw.who import Names, who_sends
from tests.blis.workload.draw.test_spec import CLIENTS, POPULATION, changed


def test_a_population_beside_clients_has_its_own_tenants_classes_and_prefixes():
    spec = load_spec(changed(CLIENTS, ["population"], POPULATION["population"]))
    names = Names.of(spec)
    assert names.slo == ("interactive", "", "critical", "standard", "batch")
    assert names.tenants[:3] == ("a", "", "tenant_0")
    assert names.groups == ("system",)
    sender = np.array([0, 1, 2, 2, 2, 0] * 500, np.int32)
    who = who_sends(spec, names, Fresh(3), sender)
    assert set(who.tenant[sender < 2].tolist()) == {0, 1} and who.tenant[sender == 2].min() >= 2
    assert set(who.group[sender < 2].tolist()) == {0}
    drawn = who.group[sender == 2]
    carries = drawn >= 0
    np.testing.assert_array_equal(drawn[carries] - 1, who.tenant[sender == 2][carries] - 2)
    assert np.all(who.prefix_tokens[sender == 2][~carries] == 0) and carries.mean() == pytest.approx(0.9, abs=0.03)
    alone = load_spec(POPULATION | {"seed": 7})
    reference = who_sends(alone, Names.of(alone), Fresh(3), np.zeros(1500, np.int32))
    np.testing.assert_array_equal(who.tenant[sender == 2] - 2, reference.tenant)
    np.testing.assert_array_equal(who.prefix_tokens[sender == 2], reference.prefix_tokens)
    assert [names.placements[i].requires for i in (0, 1)] == [{"gpu": "H100"}, {}]
    assert set(who.placement[sender == 2].tolist()) == {1}


@pytest.mark.parametrize(("count", "zipf"), [(1, 0.0), (75, 0.8), (9000, 1.0)])
def test_tenants_are_drawn_with_their_shares(count, zipf):
    """Chi-square at the level 0.001, rare tenants together; many tenants are more than the cells of the table."""
    population = POPULATION["population"] | {"tenants": {"count": count, "zipf": zipf}}
    spec = load_spec(POPULATION | {"population": population})
    tenant = who_sends(spec, Names.of(spec), Fresh(7), np.zeros(40_000, np.int32)).tenant
    expected = Tenants(count, zipf).shares() * 40_000
    many = expected > 20
    found = np.bincount(tenant, minlength=count)
    if count > 1:
        rest = [[found[~many].sum()], [expected[~many].sum()]] if not many.all() else [[], []]
        assert stats.chisquare([*found[many], *rest[0]], [*expected[many], *rest[1]]).pvalue > 0.001
    else:
        assert found.tolist() == [40_000]
