from dataclasses import replace
from math import log, tanh

import numpy as np
import pytest

from blis.config import Instance, LatencyModel, Scenario
from blis.errors import InputError
from blis.evaluation.metrics import compute_metrics
from blis.evaluation.slo import SLOClass
from blis.fitness.make import make_fitness
from blis.fitness.original import OriginalFitness, original_fitness, parse_weights
from blis.fitness.relative import RelativeFitness, complete_weights, squash
from blis.tables.records import QUEUED, REJECTED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from blis.yaml_strict import load_mapping
from tests.blis.evaluation.test_metrics import SIMULATED, recorded, simulated
from tests.blis.fitness.plain import worst_mean
from tests.blis.handmade import make_result, make_table, with_status
from tests.parity.cases import CASES, Case, recorded_totals
from tests.places import CONF

SCENARIO = Scenario(instance=Instance(latency_model=LatencyModel(beta=(1, 0, 0))))
SLO = (
    SLOClass("critical", 400_000, 25_000, 0.4),
    SLOClass("standard", 1_000_000, 35_000, 0.4),
    SLOClass("batch", 4_000_000, 70_000, 0.2),
)
NAMES = tuple(declared.name for declared in SLO)
FITNESS = RelativeFitness(SLO)
WEIGHTS = complete_weights({})
ONE = {"a": {"ttft_us": 1, "tpot_us": 1, "weight": 1}}


def random_table(seed: int, n: int = 400) -> RequestTable:
    rng = np.random.default_rng(seed)
    return make_table(
        n,
        input_tokens=rng.integers(1, 5000, n),
        output_tokens=rng.integers(0, 300, n),
        slo_class=rng.integers(0, 3, n),
        tenant=rng.integers(0, 9, n),
        slo_names=NAMES,
    )


def random_result(table: RequestTable, seed: int, lost: float = 0.1) -> ResultTable:
    rng = np.random.default_rng([seed, 7])
    n = len(table)
    ttft_us = rng.lognormal(13, 1.5, n).astype(np.int64) + 1
    result = make_result(table, ttft_us, rng.lognormal(10, 0.7, n))
    return with_status(result, np.flatnonzero(rng.random(n) < lost), REJECTED)


def score(table: RequestTable, x: ResultTable, b: ResultTable, fitness: RelativeFitness = FITNESS):
    return fitness.compare(fitness.outcome(SCENARIO, table, x), fitness.outcome(SCENARIO, table, b))


def scored_rows(n: int) -> range:
    return range(n // 10, 9 * n // 10)


def plain_score(table: RequestTable, x: ResultTable, b: ResultTable) -> float:
    """The formula once more, request by request in plain Python."""
    terms = dict.fromkeys(("ttft", "tail", "tpot", "e2e", "goodput"), 0.0)
    rows = scored_rows(len(table))
    undone = {id(x): 0.0, id(b): 0.0}
    good = {id(run): {row for row in rows if plain_good(table, run, row)} for run in (x, b)}
    for k, declared in enumerate(SLO):
        members = [row for row in rows if table.slo_class[row] == k]
        both = [row for row in members if x.status[row] == b.status[row] == 0]
        answered = [row for row in both if table.output_tokens[row] > 0]
        several = [row for row in both if table.output_tokens[row] > 1]
        for name, chosen in (("ttft", answered), ("e2e", both), ("tpot", several)):
            weight = declared.weight * min(max((len(chosen) - 10) / 10, 0), 1)
            ratios = [log(plain(table, b, r, name) / plain(table, x, r, name)) for r in chosen]
            terms[name] += weight * sum(ratios) / max(len(chosen), 1)
        worst = [worst_mean(np.array([plain(table, run, r, "ttft") for r in answered])) for run in (b, x)]
        terms["tail"] += declared.weight * min(max((len(answered) - 10) / 10, 0), 1) * log(worst[0] / worst[1])
        counts = [sum(row in good[id(run)] for row in members) for run in (x, b)]
        terms["goodput"] += declared.weight * log((counts[0] + 0.5) / (counts[1] + 0.5))
        work = {row: table.input_tokens[row] + 4 * table.output_tokens[row] for row in members}
        for run in (x, b):
            undone[id(run)] += declared.weight * sum(work[r] for r in members if run.status[r]) / sum(work.values())
    tenants = sorted({int(table.tenant[row]) for row in rows})
    offered = {t: sum(table.tenant[row] == t for row in rows) for t in tenants}
    served = {id(r): {t: sum(table.tenant[row] == t for row in good[id(r)]) for t in tenants} for r in (x, b)}
    jain = {}
    for run in (x, b):
        shares = [(served[id(run)][t] + 0.5) / (offered[t] + 1) for t in tenants]
        jain[id(run)] = sum(shares) ** 2 / (len(shares) * sum(s * s for s in shares))
    terms["fairness"] = log(jain[id(x)] / jain[id(b)])

    def harm(one: ResultTable, other: ResultTable) -> float:
        kept = {t: (served[id(one)][t] + 0.5) / (served[id(other)][t] + 0.5) for t in tenants}
        return sum(offered[t] / len(rows) * max(0, 1 - 2 * kept[t]) for t in tenants)

    gain = sum(WEIGHTS[name] * 1.5 * tanh(term / 1.5) for name, term in terms.items())
    return gain - 3 * (undone[id(x)] - undone[id(b)]) - (harm(x, b) - harm(b, x))


def plain(table: RequestTable, run: ResultTable, row: int, name: str) -> float:
    """A capped latency."""
    declared, later = SLO[table.slo_class[row]], max(int(table.output_tokens[row]) - 1, 0)
    if name == "ttft":
        return min(run.ttft_us[row], 10 * declared.ttft_us)
    if name == "tpot":
        return min((run.e2e_us[row] - run.ttft_us[row]) / later, 10 * declared.tpot_us)
    return min(run.e2e_us[row], 10 * (declared.ttft_us + later * declared.tpot_us))


def plain_good(table: RequestTable, run: ResultTable, row: int) -> bool:
    declared, later = SLO[table.slo_class[row]], max(int(table.output_tokens[row]) - 1, 0)
    if run.status[row] or run.ttft_us[row] > declared.ttft_us or table.output_tokens[row] == 0:
        return False
    return later == 0 or (run.e2e_us[row] - run.ttft_us[row]) / later <= declared.tpot_us


@pytest.mark.parametrize("seed", range(12))
def test_the_formula(seed: int):
    table = random_table(seed, n=60 + 40 * seed)
    x, b = random_result(table, 2 * seed, 0.05 * seed), random_result(table, 2 * seed + 1)
    assert score(table, x, b).value == pytest.approx(plain_score(table, x, b), abs=1e-12)


def test_worked_example():
    """Four requests, each forty times over: TTFT 100, 200, 100, 400 ms against 90, 180, 100, 200."""
    slo = (SLOClass("only", 250_000, 50_000, 1.0),)
    table = make_table(160, output_tokens=11, tenant=0)
    quarter = np.arange(160) % 4
    b = make_result(table, np.array([100_000, 200_000, 100_000, 400_000])[quarter], 20_000)
    x = make_result(table, np.array([90_000, 180_000, 100_000, 200_000])[quarter], 20_000)
    found = score(table, x, b, RelativeFitness(slo))
    assert found.terms["f_ttft"] == pytest.approx(0.2260, abs=5e-5)
    assert found.terms["f_tail"] == pytest.approx(0.6931, abs=5e-5)
    assert found.terms["f_tpot"] == 0
    assert found.terms["f_goodput"] == pytest.approx(log(128.5 / 96.5))
    terms = {"ttft": 0.2260, "tail": 0.6931, "tpot": 0, "e2e": 0.05, "goodput": 0.2513, "fairness": 0, "cost": 0}
    assert squash(terms["tail"]) == pytest.approx(0.6477, abs=5e-5)
    weights = {"ttft": 0.15, "tail": 0.25, "tpot": 0.15, "e2e": 0.15, "goodput": 0.25, "fairness": 0.05, "cost": 0}
    assert sum(weight * squash(terms[name]) for name, weight in weights.items()) == pytest.approx(0.265, abs=5e-4)


@pytest.mark.parametrize("seed", range(5))
def test_the_baseline_scores_exactly_zero(seed: int):
    table = random_table(seed)
    run = random_result(table, seed, 0.3)
    found = score(table, run, run)
    assert found.value == 0 and set(found.terms.values()) == {0.0}


@pytest.mark.parametrize("seed", range(10))
def test_exchanging_both_runs_flips_the_sign(seed: int):
    table = random_table(seed)
    x, b = random_result(table, 2 * seed, 0.4), random_result(table, 2 * seed + 1, 0.1)
    there, back = score(table, x, b), score(table, b, x)
    assert there.value == pytest.approx(-back.value, abs=1e-12)
    assert (there.undone, there.harm) == (back.undone_baseline, back.harm_baseline)


def test_the_value_follows_from_what_is_reported():
    table = random_table(3)
    found = score(table, random_result(table, 1, 0.5), random_result(table, 2))
    gain = sum(weight * squash(found.terms[f"f_{name}"]) for name, weight in WEIGHTS.items())
    assert found.value == pytest.approx(
        gain - 3 * (found.undone - found.undone_baseline) - found.harm + found.harm_baseline
    )


@pytest.mark.parametrize("factor", [2, 1000])
def test_another_unit_of_time_changes_nothing(factor: int):
    table = random_table(1)

    def scaled(run: ResultTable) -> ResultTable:
        times = {
            name: np.where(getattr(run, name) < 0, -1, getattr(run, name) * factor) for name in ("ttft_us", "e2e_us")
        }
        return replace(run, **times)

    x, b = random_result(table, 1), random_result(table, 2)
    slow = RelativeFitness(tuple(replace(c, ttft_us=c.ttft_us * factor, tpot_us=c.tpot_us * factor) for c in SLO))
    assert score(table, scaled(x), scaled(b), slow).value == pytest.approx(score(table, x, b).value, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_no_jump_when_requests_change_their_fate_one_by_one(seed: int):
    """From everything served to nothing, a request at a time: no step is worth more than a few requests."""
    table = random_table(seed, n=300)
    b, run = random_result(table, 50 + seed, 0), random_result(table, seed, 0)
    values = [score(table, run, b).value]
    for row in np.random.default_rng(seed).permutation(list(scored_rows(300))):
        run = with_status(run, [row], REJECTED)
        values.append(score(table, run, b).value)
    assert np.abs(np.diff(values)).max() < 0.15
    assert values[-1] < -3


@pytest.mark.parametrize("absent", [None, 0, 4])
@pytest.mark.parametrize("seed", range(4))
def test_rows_drawn_again_score_as_a_table_of_them(seed: int, absent: int | None):
    """Rows that count twice are as two rows; rows that do not count are as if they were not there."""
    table = random_table(seed)
    x, b = random_result(table, 2 * seed), random_result(table, 2 * seed + 1)
    outcomes = [FITNESS.outcome(SCENARIO, table, run) for run in (x, b)]
    assert FITNESS.compare_resampled(*outcomes, np.ones(320, np.int64)) == FITNESS.compare(*outcomes).value
    times = np.random.default_rng([seed, 1]).integers(0, 4, 320)
    times[table.tenant[40:360] == absent] = 0  # a tenant of whom nothing is drawn is not there
    rows = np.repeat(np.arange(40, 360), times)
    drawn = make_table(
        len(rows),
        slo_names=NAMES,
        **{name: getattr(table, name)[rows] for name in ("input_tokens", "output_tokens", "slo_class", "tenant")},
    )
    drawn = replace(drawn, scored=(0, len(rows)))
    names = ("status", "arrival_us", "ttft_us", "e2e_us", "instance", "first_step", "last_step")
    runs = [replace(run, **{name: getattr(run, name)[rows] for name in names}) for run in (x, b)]
    assert FITNESS.compare_resampled(*outcomes, times) == pytest.approx(score(drawn, *runs).value, abs=1e-12)


def test_a_table_may_say_which_rows_are_scored():
    table = random_table(3)
    x, b = random_result(table, 1), random_result(table, 2)
    marked = replace(table, scored=(300, 400), cache={})
    assert FITNESS.outcome(SCENARIO, marked, x).scoring.rows.tolist() != sorted(range(300, 400))  # grouped by class
    assert sorted(FITNESS.outcome(SCENARIO, marked, x).scoring.rows) == list(range(300, 400))
    changed = replace(x, ttft_us=np.where(np.arange(400) < 300, 10**9, x.ttft_us))
    assert score(marked, x, b) == score(marked, changed, b)


def test_requests_outside_the_middle_do_not_count():
    table = random_table(0, n=205)
    x, b = random_result(table, 1, lost=0), random_result(table, 2)
    edge = [row for row in range(205) if row not in scored_rows(205)]
    assert len(edge) == 41
    assert score(table, with_status(x, edge, REJECTED), b).value == score(table, x, b).value
    inside = score(table, with_status(x, [20], REJECTED), b), score(table, with_status(x, [183], REJECTED), b)
    assert score(table, x, b).value not in [found.value for found in inside]


def test_few_common_requests_count_less():
    slo = (SLOClass("only", 10**6, 10**6, 1.0),)
    table = make_table(50)

    def ttft_term(common: int) -> float:
        run = with_status(make_result(table, 500, 10), list(scored_rows(50))[common:], QUEUED)
        return score(table, run, make_result(table, 1000, 10), RelativeFitness(slo)).terms["f_ttft"]

    assert [ttft_term(n) / log(2) for n in (0, 10, 15, 20, 40)] == pytest.approx([0, 0, 0.5, 1, 1])


def test_latencies_are_capped_at_ten_times_their_target():
    slo = (SLOClass("only", 100, 10, 1.0),)
    table = make_table(100)
    far, farther = make_result(table, 1000, 100), make_result(table, 50_000, 9000)
    assert score(table, farther, far, RelativeFitness(slo)).value == 0


def test_single_tokens_have_no_tpot_but_meet_it():
    slo = (SLOClass("only", 100, 10, 1.0),)
    table = make_table(100, output_tokens=1)
    found = score(table, make_result(table, 50), make_result(table, 100), RelativeFitness(slo))
    assert found.terms["f_tpot"] == found.terms["f_goodput"] == 0
    assert found.terms["f_ttft"] == pytest.approx(log(2))


def test_harm_is_for_tenants_that_lose_more_than_half():
    slo = (SLOClass("only", 100, 10, 1.0),)
    table = make_table(250, tenant=np.arange(250) % 5)
    base = make_result(table, 50, 5)
    tenant = [row for row in scored_rows(250) if row % 5 == 0]
    assert len(tenant) == 40
    harms = [
        score(table, with_status(base, tenant[:n], REJECTED), base, RelativeFitness(slo)).harm for n in (0, 19, 40)
    ]
    assert harms == pytest.approx([0, 0, 0.2 * (1 - 1 / 40.5)])


def test_work_left_undone_costs_three_times_its_share():
    slo = (SLOClass("only", 100, 10, 1.0),)
    table = make_table(100, input_tokens=60, output_tokens=10)
    base = make_result(table, 50, 5)
    only_cost = RelativeFitness(slo, {**dict.fromkeys(WEIGHTS, 0), "cost": 1})  # and that is the same
    found = score(table, with_status(base, [40, 41], REJECTED), base, only_cost)
    assert found.undone == pytest.approx(2 / 80)
    assert found.value == pytest.approx(-3 * 2 / 80)


def test_a_smaller_cluster_is_cheaper():
    table = random_table(0)
    b, x = random_result(table, 1), random_result(table, 1)
    x = replace(x, instances=np.concatenate([x.instances] * 2))
    found = score(table, x, b, RelativeFitness(SLO, {"cost": 1}))
    assert found.terms["f_cost"] == pytest.approx(-log(2))
    assert found.value == pytest.approx(-squash(log(2)) / 2)  # the other terms weigh as much, and are 0


def test_a_latency_of_zero_gives_a_term_that_is_not_finite():
    table = make_table(100)
    slo = RelativeFitness((SLOClass("only", 100, 10, 1.0),))
    found = score(table, make_result(table, 10, 0), make_result(table, 10, 5), slo)
    assert found.terms["f_tpot"] == float("inf")
    assert np.isnan(score(table, make_result(table, 10, 0), make_result(table, 10, 0), slo).value)


def test_an_undeclared_class_is_named():
    table = make_table(20, slo_names=("realtime",))
    with pytest.raises(InputError, match="unknown SLO class of the requests 'realtime'"):
        FITNESS.outcome(SCENARIO, table, make_result(table, 1))


@pytest.mark.parametrize(
    "case", [c for c in CASES if c in SIMULATED or c.name in ("hetero_slo8", "sjf")], ids=lambda c: c.name
)
def test_the_original_fitness_is_as_recorded(case: Case):
    if case in SIMULATED:
        metrics = simulated(case)
    else:  # rates need the recorded totals, which a table of latencies does not have
        metrics = compute_metrics(SCENARIO, *recorded(case))
    theirs = recorded_totals(case)["fitness"]
    weights = {key: weight for key, weight in theirs["weights"].items() if case in SIMULATED or key[0] in "mp"}
    found = original_fitness(metrics, weights, original_rules=True)
    assert found["components"] == pytest.approx({key: theirs["components"][key] for key in weights}, rel=1e-12)
    assert list(found["components"]) == sorted(weights)
    if case in SIMULATED:
        assert found["score"] == pytest.approx(theirs["score"], rel=1e-12)


def test_rejecting_everything_is_perfect_only_for_the_original():
    table = make_table(10)
    nothing = compute_metrics(SCENARIO, table, make_result(table, 1, status=REJECTED))
    weights = {"throughput": 0.5, "p99_ttft": 0.3, "mean_e2e": 0.2}
    assert original_fitness(nothing, weights, original_rules=True)["score"] == 0.5
    assert original_fitness(nothing, weights)["score"] == 0
    table = make_table(10)
    half = with_status(make_result(table, 1000), range(5), REJECTED)
    assert original_fitness(compute_metrics(SCENARIO, table, half), {"p99_ttft": 1})["score"] == pytest.approx(0.25)


def test_weights_of_the_original_as_text():
    assert parse_weights("") == {}
    assert parse_weights("throughput:1, p99_ttft : 0.5,throughput:0") == {"throughput": 0, "p99_ttft": 0.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("throughput", "'throughput' must be key:weight"),
        ("throughput:1,", "'' must be key:weight"),
        ("throughput:x", "must be a number, got 'x'"),
        ("throughput:nan", "must be finite"),
        ("throughput:inf", "must be finite"),
        ("throughput:-1", "must be in .0, 1e.12., got -1"),
        ("throughput:1,p95_ttft:1", "unknown fitness key 'p95_ttft'"),
    ],
)
def test_wrong_weights(text: str, message: str):
    with pytest.raises(InputError, match=message):
        parse_weights(text)


def test_lower_latency_and_higher_rates_score_better_under_the_original():
    table = make_table(50)
    slow, fast = (compute_metrics(SCENARIO, table, make_result(table, ttft, 10)) for ttft in (1000, 900))
    for key in ("p99_ttft", "mean_e2e", "throughput", "tokens_per_sec"):
        assert original_fitness(fast, {key: 1})["score"] > original_fitness(slow, {key: 1})["score"]


def test_configurations_give_the_defaults():
    assert make_fitness(load_mapping(CONF / "fitness" / "relative.yaml")) == FITNESS
    original = make_fitness(load_mapping(CONF / "fitness" / "original.yaml"))
    assert isinstance(original, OriginalFitness) and not original.original_rules


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"kind": "relativ"}, "did you mean 'relative'"),
        ({"kind": "relative"}, "missing key fitness.classes"),
        ({"kind": "original", "weights": {"p95_ttft": 1.0}}, "unknown fitness key"),
        ({"kind": "original", "classes": []}, "unknown key 'classes'"),
        ({"kind": "relative", "classes": [{"name": "a", "ttft_us": 1, "tpot_us": 1, "weight": 0}]}, "weight of a is 0"),
        ({"kind": "relative", "classes": {"a": {"ttft_us": 1, "tpot_us": 1}}}, "missing key fitness.classes.a.weight"),
        ({"kind": "relative", "classes": {"a": 3}}, "fitness.classes.a must be a mapping"),
        ({"kind": "relative", "classes": ONE, "weights": dict.fromkeys(WEIGHTS, 0)}, "fitness weights: the weight of"),
        ({"kind": "relative", "classes": [], "weights": {"latency": 1.0}}, "unknown fitness weight 'latency'"),
    ],
)
def test_wrong_configurations(mapping: dict, message: str):
    with pytest.raises(InputError, match=message):
        make_fitness(mapping)


def test_weights_are_relative():
    twice = {name: 2 * weight for name, weight in WEIGHTS.items()}
    named = {one.name: {"ttft_us": one.ttft_us, "tpot_us": one.tpot_us, "weight": 3 * one.weight} for one in SLO}
    assert complete_weights(twice) == pytest.approx(WEIGHTS)
    table = random_table(3)
    x, b = random_result(table, 1), random_result(table, 2)
    other = make_fitness({"kind": "relative", "classes": named, "weights": twice})
    assert score(table, x, b, other).value == pytest.approx(score(table, x, b).value)


def test_one_weight_alone_may_be_changed():
    weights = complete_weights({"fairness": 0.3})
    assert sum(weights.values()) == pytest.approx(1)
    assert weights["ttft"] / weights["e2e"] == pytest.approx(WEIGHTS["ttft"] / WEIGHTS["e2e"])
    assert weights["fairness"] / weights["ttft"] == pytest.approx(0.3 / WEIGHTS["ttft"])


def test_the_original_scored_against_a_baseline_is_a_difference():
    fitness = make_fitness({"kind": "original", "weights": {"p99_ttft": 1.0}})
    table = make_table(10)
    one, other = (fitness.outcome(SCENARIO, table, make_result(table, ttft)) for ttft in (1000, 3000))
    assert fitness.compare(one, other).value == pytest.approx(0.25)
    assert fitness.compare(one, one).value == 0
