from dataclasses import replace

import numpy as np
import pytest

from blis.errors import InputError
from blis.tables.placement import Placement
from blis.workload.content.tree import intern_prefix_groups
from blis.workload.draw.generate import generate, mean_input_tokens
from blis.workload.draw.lengths import Distribution
from blis.workload.draw.spec import load_spec
from blis.workload.draw.who import population_prefix_tokens
from tests.places import CONF

WORKLOADS = CONF / "workload"
DEFAULT = load_spec(WORKLOADS / "chat_prefix.yaml")
CLIENTS = load_spec(
    {
        "aggregate_rate": 100,
        "num_requests": 8000,
        "clients": [
            {
                "id": name,
                "tenant_id": tenant,
                "slo_class": slo_class,
                "rate_fraction": fraction,
                "arrival": {"process": "poisson"},
                "input_distribution": {"type": "exponential", "params": {"mean": 300}},
                "output_distribution": {"type": "exponential", "params": {"mean": 100}},
                "prefix_group": group,
            }
            for name, tenant, slo_class, fraction, group in [
                ("one", "x", "interactive", 70, "system"),
                ("two", "y", "batch", 20, ""),
                ("three", "x", "batch", 10, "system"),
            ]
        ],
    }
)
COLUMNS = ("arrival_us", "input_tokens", "output_tokens", "slo_class", "tenant", "uniform", "path_node", "output_node")


def table_bytes(table):
    return [getattr(table, name).tobytes() for name in COLUMNS]


def with_population(**changes):
    return replace(DEFAULT, population=replace(DEFAULT.population, **changes))


def carries_prefix(table):
    """[n] whether the row starts with its tenant's prefix: with a node that other requests touch too."""
    return table.tree.shared[table.path_node[table.path_offset[:-1]]] >= 0


@pytest.fixture(scope="module")
def big():
    return generate(DEFAULT, 1, n=40_000)


def test_clients_say_where_their_requests_run():
    one, two, three = CLIENTS.clients
    clients = (replace(one, requires={"gpu": "H100"}), two, replace(three, requires={"gpu": "H100"}))
    table = generate(replace(CLIENTS, clients=clients), 5, n=300)
    assert table.placements == (Placement({"gpu": "H100"}), Placement())
    tenant = np.array(table.tenant_names)[table.tenant]
    np.testing.assert_array_equal(table.placement, np.where(tenant == "x", 0, 1))
    assert generate(CLIENTS, 5, n=300).placement is None


@pytest.mark.parametrize("spec", [DEFAULT, CLIENTS], ids=["population", "clients"])
def test_the_same_seed_gives_the_same_bytes_and_another_one_others(spec):
    assert table_bytes(generate(spec, 5)) == table_bytes(generate(spec, 5))
    for a, b in zip(table_bytes(generate(spec, 5)), table_bytes(generate(spec, 6)), strict=True):
        assert a != b


def test_a_default_table_has_its_size_and_rate():
    table = generate(DEFAULT, 2**64 - 1)
    assert len(table) == 4000
    assert len(table) / table.arrival_us[-1] * 1e6 == pytest.approx(DEFAULT.aggregate_rate, rel=0.08)
    assert table.slo_names == ("critical", "standard", "batch")
    assert table.tenant_names[74] == "tenant_74"


def test_classes_tenants_and_prefixes_have_their_shares(big):
    n = len(big)
    np.testing.assert_allclose(np.bincount(big.slo_class) / n, [0.2, 0.5, 0.3], atol=0.01)
    np.testing.assert_allclose(
        np.bincount(big.tenant, minlength=75) / n, DEFAULT.population.tenants.shares(), atol=0.006
    )
    assert carries_prefix(big).mean() == pytest.approx(0.9, abs=0.005)


def test_class_tenant_and_prefix_are_independent(big):
    carries = carries_prefix(big)
    for name in ("slo_class", "tenant"):
        assert abs(np.corrcoef(getattr(big, name), carries)[0, 1]) < 0.02
    assert abs(np.corrcoef(big.slo_class, big.tenant)[0, 1]) < 0.02


def test_tenant_shares_follow_zipf():
    shares = DEFAULT.population.tenants.shares()
    assert shares.sum() == pytest.approx(1)
    assert shares[0] / shares[9] == pytest.approx(10**0.8)
    equal = load_spec(WORKLOADS / "chat_prefix_no_skew.yaml")
    np.testing.assert_allclose(equal.population.tenants.shares(), 1 / 75)


def test_lengths_have_their_laws(big):
    carries = carries_prefix(big)
    own = big.input_tokens - np.where(
        carries, population_prefix_tokens(DEFAULT.population, DEFAULT.seed)[big.tenant], 0
    )
    assert own.min() >= 1
    assert own.mean() == pytest.approx(900, rel=0.05)
    assert (big.output_tokens.min(), big.output_tokens.max()) == (2, 1024)
    assert big.output_tokens.mean() == pytest.approx(DEFAULT.population.output_distribution.mean_tokens, rel=0.05)


def test_gaps_have_the_rate_and_the_variation_of_the_spec(big):
    gaps = np.diff(big.arrival_us)
    assert gaps.mean() == pytest.approx(1e6 / DEFAULT.aggregate_rate, rel=0.05)
    assert gaps.std() / gaps.mean() == pytest.approx(1.5, rel=0.05)


def test_each_tenant_has_one_prefix_from_the_seed_of_the_spec(big):
    prefix = population_prefix_tokens(DEFAULT.population, DEFAULT.seed)
    assert prefix.min() >= 2000
    assert prefix.max() <= 9000
    first = big.path_offset[:-1][carries_prefix(big)]
    np.testing.assert_array_equal(big.path_end_token[first], prefix[big.tenant[carries_prefix(big)]])
    other = generate(replace(DEFAULT, seed=1), 1, n=40_000)
    np.testing.assert_array_equal(other.arrival_us, big.arrival_us)
    np.testing.assert_array_equal(other.tenant, big.tenant)
    assert not np.array_equal(population_prefix_tokens(DEFAULT.population, 1), prefix)


def test_uniform_numbers_cover_the_unit_interval(big):
    np.testing.assert_allclose(np.histogram(big.uniform, 10, (0, 1))[0] / len(big), 0.1, atol=0.01)


@pytest.mark.parametrize(
    ("changes", "changed_columns"),
    [
        ({"output_distribution": Distribution("constant", {"value": 9})}, {"output_tokens"}),
        ({"input_distribution": Distribution("constant", {"value": 9})}, {"input_tokens"}),
        ({"arrival": replace(DEFAULT.population.arrival, cv=3.0)}, {"arrival_us"}),
        ({"classes": {"critical": 1.0, "standard": 0.0, "batch": 0.0}}, {"slo_class"}),
    ],
    ids=lambda value: next(iter(value)),
)
def test_changing_one_law_changes_one_column(changes, changed_columns):
    before, after = generate(DEFAULT, 3), generate(with_population(**changes), 3)
    columns = ("arrival_us", "input_tokens", "output_tokens", "slo_class", "tenant", "uniform")
    assert {
        name for name in columns if not np.array_equal(getattr(before, name), getattr(after, name))
    } == changed_columns


def test_a_longer_table_continues_a_shorter_one():
    for spec in (DEFAULT, CLIENTS):
        short, long = generate(spec, 4, n=100), generate(spec, 4, n=300)
        for name in ("arrival_us", "input_tokens", "output_tokens", "tenant", "uniform"):
            np.testing.assert_array_equal(getattr(short, name), getattr(long, name)[:100])


def test_scaling_the_rate_scales_time_and_nothing_else():
    slow, fast = generate(DEFAULT, 3), generate(DEFAULT, 3, rate_scale=2.0)
    np.testing.assert_allclose(fast.arrival_us, slow.arrival_us / 2, atol=40)
    np.testing.assert_array_equal(fast.input_tokens, slow.input_tokens)
    np.testing.assert_array_equal(fast.tenant, slow.tenant)


def test_the_content_is_that_of_the_prefix_groups():
    table = generate(DEFAULT, 3)
    tenants_prefix = population_prefix_tokens(DEFAULT.population, DEFAULT.seed)[table.tenant]
    carries = carries_prefix(table)
    content = intern_prefix_groups(
        np.where(carries, table.tenant, -1),
        np.where(carries, tenants_prefix, 0),
        table.input_tokens,
        table.output_tokens,
    )
    np.testing.assert_array_equal(content.path_node, table.path_node)


def test_a_population_may_do_without_prefixes():
    spec = with_population(prefix=None)
    table = generate(spec, 3)
    assert table.tree.n_shared == 0
    assert mean_input_tokens(spec) == pytest.approx(900, abs=0.5)


def test_clients_keep_their_proportions_names_and_prefix():
    table = generate(CLIENTS, 1)
    assert table.slo_names == ("interactive", "batch")
    assert table.tenant_names == ("x", "y")
    assert np.mean(table.tenant == 1) == pytest.approx(0.2, abs=0.02)
    assert np.mean(table.slo_class == 0) == pytest.approx(0.7, abs=0.02)
    assert table.tree.n_shared == 1
    shared_rows = carries_prefix(table)
    np.testing.assert_array_equal(shared_rows, table.tenant == 0)
    assert np.all(table.path_end_token[table.path_offset[:-1][shared_rows]] == 50)
    assert table.input_tokens[shared_rows].min() > 50


@pytest.mark.parametrize("factor", [0.1, 1, 30])
def test_rate_fractions_share_out_the_aggregate_rate_whatever_their_sum(factor):
    clients = tuple(replace(client, rate_fraction=factor * client.rate_fraction) for client in CLIENTS.clients)
    spec = replace(CLIENTS, clients=clients, num_requests=0, horizon=60_000_000)
    table = generate(spec, 1)
    assert len(table) == pytest.approx(60 * spec.aggregate_rate, rel=0.05)
    assert np.mean(table.tenant == 1) == pytest.approx(0.2, abs=0.02)
    assert mean_input_tokens(spec) == pytest.approx(300 + 50 * 0.8, rel=0.01)


@pytest.mark.parametrize("spec", [DEFAULT, CLIENTS], ids=["population", "clients"])
def test_prompts_and_outputs_are_independent(spec):
    table = generate(spec, 2, n=20_000)
    rows = table.tenant == 1
    own = table.input_tokens[rows]
    assert abs(np.corrcoef(own, table.output_tokens[rows])[0, 1]) < 0.06
    assert abs(np.corrcoef(own, table.uniform[rows])[0, 1]) < 0.06


def test_a_client_does_not_disturb_another():
    other = replace(CLIENTS.clients[1], output_distribution=Distribution("constant", {"value": 1}))
    before = generate(CLIENTS, 1)
    after = generate(replace(CLIENTS, clients=(CLIENTS.clients[0], other, CLIENTS.clients[2])), 1)
    np.testing.assert_array_equal(before.arrival_us, after.arrival_us)
    np.testing.assert_array_equal(before.output_tokens[before.tenant == 0], after.output_tokens[after.tenant == 0])
    assert np.all(after.output_tokens[after.tenant == 1] == 1)


@pytest.mark.parametrize("spec", [DEFAULT, CLIENTS], ids=["population", "clients"])
def test_mean_input_tokens_is_what_tables_have(spec):
    means = [generate(spec, seed, n=20_000).input_tokens.mean() for seed in range(3)]
    assert np.mean(means) == pytest.approx(mean_input_tokens(spec), rel=0.02)


def test_a_horizon_ends_a_workload_without_a_number():
    spec = replace(DEFAULT, num_requests=0, horizon=10_000_000)
    table = generate(spec, 1)
    assert table.arrival_us[-1] < 10_000_000
    assert len(table) == pytest.approx(10 * DEFAULT.aggregate_rate, rel=0.25)
    np.testing.assert_array_equal(table.arrival_us, generate(DEFAULT, 1).arrival_us[: len(table)])


def test_a_workload_without_requests_is_an_error():
    with pytest.raises(InputError, match="0 requests generated"):
        generate(replace(DEFAULT, horizon=1), 1)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"seed": -1}, "seed must be"),
        ({"seed": 1, "n": 0}, "n must be"),
        ({"seed": 1, "rate_scale": 0.0}, "rate_scale must be > 0"),
        ({"seed": 1, "rate_scale": float("nan")}, "rate_scale must be finite"),
        ({"seed": 1, "rate_scale": 1e9}, "rate_scale must be in"),
    ],
)
def test_bad_arguments_are_named(arguments, problem):
    with pytest.raises(InputError, match=problem):
        generate(DEFAULT, **arguments)
