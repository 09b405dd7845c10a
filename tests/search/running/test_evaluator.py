"""Scores of policies: the baseline scores 0, workers and order change nothing, failures are survived."""

from dataclasses import replace

import pytest

import search
from blis.engine.run import simulate
from blis.errors import EngineError, InputError
from blis.fitness.value import FitnessValue
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle, load_scenario
from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec
from blis.yaml_strict import load_mapping
from search.config import RaceSettings
from search.running.evaluation import FAILED, OK, STOPPED, Evaluation
from search.running.evaluator import Evaluator
from search.running.race import LEAST, make_race
from search.workers import Workers
from tests.search.small import small_settings

ROUND_ROBIN = load_bundle({"routing": {"policy": "round-robin"}})
BROKEN = load_bundle({"engine": {"max_running": 77}})  # what the simulators below fail on
SEEDS = (11, 12, 13)


def is_broken(scenario):
    return scenario.instance.batch.max_running == 77


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    return small_settings(tmp_path_factory.mktemp("run")).problem


@pytest.fixture(scope="module")
def policies(problem):
    knobs = [load_bundle({"engine": {"max_scheduled_tokens": tokens}}) for tokens in (512, 1024, 4096)]
    return [problem.policy(bundle) for bundle in (problem.baseline, ROUND_ROBIN, *knobs)]


def evaluate_all(problem, bundles, **workers):
    policies = [problem.policy(bundle) for bundle in bundles]
    return Evaluator(problem, SEEDS, Workers(**workers)).evaluate(policies)


def counting(problem):
    """The problem with a list that grows by one a simulation."""
    calls = []
    return replace(problem, simulate=lambda scenario, table: calls.append(1) or simulate(scenario, table)), calls


def test_the_baseline_scores_zero_on_every_seed(problem):
    (found,) = evaluate_all(problem, [problem.baseline])
    assert (found.status, found.fitness, found.seed_values) == (OK, 0.0, (0.0, 0.0, 0.0))
    assert all(value == 0 for value in found.terms.values())


def test_fitness_is_the_mean_of_the_seeds(problem):
    (found,) = evaluate_all(problem, [ROUND_ROBIN])
    assert found.fitness == pytest.approx(sum(found.seed_values) / 3)
    assert found.fitness < 0
    single = [search.evaluate(ROUND_ROBIN, problem, seeds=[seed]).fitness for seed in SEEDS]
    assert single == list(found.seed_values)


def test_workers_order_and_history_change_nothing(problem, policies):
    alone = Evaluator(problem, SEEDS, Workers()).evaluate(policies)
    assert Evaluator(problem, SEEDS, Workers(n_jobs=2)).evaluate(policies) == alone
    assert Evaluator(problem, SEEDS, Workers(n_jobs=2)).evaluate(policies[::-1])[::-1] == alone
    evaluator = Evaluator(problem, SEEDS, Workers())
    assert [evaluator.evaluate([policy])[0] for policy in policies] == alone


def test_a_policy_is_simulated_once_per_seed(problem, policies):
    counted, calls = counting(problem)
    evaluator = Evaluator(counted, SEEDS, Workers())
    evaluator.evaluate([*policies, *policies])
    evaluator.evaluate(policies)
    assert len(calls) == 3 * len(policies)  # the baseline is one of them


def test_what_was_compared_is_not_simulated_for_its_score(problem, policies):
    alone = Evaluator(problem, SEEDS, Workers()).evaluate(policies)
    counted, calls = counting(problem)
    evaluator = Evaluator(counted, SEEDS, Workers())
    evaluator.performances(policies[1:3])
    assert evaluator.evaluate(policies) == alone
    evaluator.performances(policies[:3], SEEDS[:2])
    assert len(calls) == 3 * len(policies)


def test_equal_behaviour_is_simulated_once(problem):
    spelled_out = load_bundle({"routing": {"policy": "round-robin", "tie_break": "random"}, "scheduler": "fcfs"})
    counted, calls = counting(problem)
    one, other = evaluate_all(counted, [ROUND_ROBIN, spelled_out])
    assert one == other
    assert len(calls) == 6


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_failing_candidate_is_recorded_and_survived(problem, n_jobs, tmp_path):
    def failing(scenario, table):
        if is_broken(scenario):
            raise ZeroDivisionError("nothing\nto share")
        return simulate(scenario, table)

    evaluator = Evaluator(replace(problem, simulate=failing), SEEDS, Workers(n_jobs), tmp_path / "quarantine")
    broken, fine = evaluator.evaluate([problem.policy(BROKEN), problem.policy(ROUND_ROBIN)])
    assert not (tmp_path / "quarantine").exists()  # which is for bugs of the simulator
    assert (broken.status, broken.reason) == (FAILED, "ZeroDivisionError: nothing to share")
    assert broken.fitness is None
    assert broken.seed_values == (None, None, None)
    assert fine == evaluate_all(problem, [ROUND_ROBIN])[0]


class LastArrival:
    """A fitness that scores everybody by the table alone, each number by another multiple."""

    def outcome(self, scenario, table, result):
        return float(table.arrival_us[-1])

    def compare(self, candidate, baseline):
        n = candidate
        return FitnessValue(n, {"f_one": 2 * n, "f_two": 3 * n}, undone=4 * n, harm=5 * n, objectives=(6 * n, 7 * n))


def test_every_number_is_the_mean_of_the_seeds(problem):
    (found,) = evaluate_all(replace(problem, fitness=LastArrival()), [ROUND_ROBIN])
    assert found.seed_values == tuple(float(problem.table(seed).arrival_us[-1]) for seed in SEEDS)
    mean = sum(found.seed_values) / 3
    assert found.terms == {"f_one": pytest.approx(2 * mean), "f_two": pytest.approx(3 * mean)}
    assert (found.fitness, found.undone, found.harm) == pytest.approx((mean, 4 * mean, 5 * mean))
    assert found.objectives == pytest.approx((6 * mean, 7 * mean))


def test_one_seed_without_a_score_leaves_the_policy_without_one(problem):
    def failing(scenario, table):
        if is_broken(scenario) and table is problem.table(12):
            raise ZeroDivisionError("on one table")
        return simulate(scenario, table)

    (found,) = evaluate_all(replace(problem, simulate=failing), [BROKEN])
    assert (found.status, found.fitness, found.terms) == (FAILED, None, {})
    assert [value is None for value in found.seed_values] == [False, True, False]


def test_what_is_remembered_is_not_simulated_again(problem, policies):
    (known,) = Evaluator(problem, SEEDS, Workers()).evaluate([policies[2]])
    evaluator = Evaluator(replace(problem, simulate=None), SEEDS, Workers())
    evaluator.remember([known])
    assert evaluator.evaluate([policies[2]]) == [known]


def test_every_new_simulation_is_reported(problem, policies):
    steps = []
    evaluator = Evaluator(problem, SEEDS, Workers().watched(steps.append))
    evaluator.evaluate(policies[:2])
    assert steps == [1] * 6
    evaluator.evaluate(policies[1:3])
    assert steps == [1] * 9


def test_performances_are_by_policy_and_seed_and_simulated_once(problem):
    counted, calls = counting(problem)
    evaluator, policy = Evaluator(counted, SEEDS, Workers()), problem.policy(ROUND_ROBIN)
    ours, theirs = evaluator.performances([policy, problem.against])
    assert len(calls) == 6
    again = evaluator.performances([problem.against, policy], SEEDS[::-1])
    assert len(calls) == 6
    assert again == [theirs[::-1], ours[::-1]]
    pairs = zip(ours, theirs, strict=True)
    values = [problem.fitness.compare(one.outcome, other.outcome).value for one, other in pairs]
    assert values == list(evaluate_all(problem, [ROUND_ROBIN])[0].seed_values)


def test_a_broken_law_puts_the_candidate_in_quarantine(problem, tmp_path):
    def lying(scenario, table):
        result = simulate(scenario, table)
        return replace(result, e2e_us=result.e2e_us - 10**6) if is_broken(scenario) else result

    quarantine = tmp_path / "quarantine"
    evaluator = Evaluator(replace(problem, simulate=lying), SEEDS, Workers(), quarantine)
    broken, fine = evaluator.evaluate([problem.policy(BROKEN), problem.policy(ROUND_ROBIN)])
    assert broken.status == FAILED
    assert broken.reason.startswith("guard: ")
    assert fine.status == OK
    (file,) = quarantine.iterdir()
    assert file.name == f"{broken.genome_id}.yaml"
    saved = load_mapping(file)
    assert saved["violations"]
    scenario = apply_bundle(load_scenario(saved["scenario"]), load_bundle(saved["policy"]))
    assert is_broken(scenario)
    again = generate(load_spec(saved["scenario"]["workload"]), saved["seed"])
    assert (again.arrival_us == problem.table(saved["seed"]).arrival_us).all()


def test_a_baseline_must_not_fail(problem):
    def failing(scenario, table):
        raise ZeroDivisionError("nothing to share")

    with pytest.raises(EngineError, match="has no score on seed 11: ZeroDivisionError: nothing to share"):
        evaluate_all(replace(problem, simulate=failing), [ROUND_ROBIN])


def test_a_class_without_targets_is_an_input_error(tmp_path):
    mapping = "{name: critical, ttft_us: 1000, tpot_us: 1000, weight: 1}"
    settings = small_settings(tmp_path, f"fitness.classes=[{mapping}]")
    with pytest.raises(InputError, match="SLO class"):
        evaluate_all(settings.problem, [ROUND_ROBIN])


class TestLibraryCall:
    def test_takes_bundles_mappings_and_paths(self, problem, tmp_path):
        path = tmp_path / "policy.yaml"
        path.write_text("routing: {policy: round-robin}\n")
        by_bundle = search.evaluate(ROUND_ROBIN, problem)
        assert search.evaluate({"routing": {"policy": "round-robin"}}, problem) == by_bundle
        assert search.evaluate(path, problem) == by_bundle
        assert len(by_bundle.seed_values) == len(problem.search_seeds)

    def test_bad_policies_and_seeds_are_input_errors(self, problem):
        with pytest.raises(InputError, match="did you mean 'round-robin'"):
            search.evaluate({"routing": {"policy": "round-robbin"}}, problem)
        with pytest.raises(InputError, match="seeds: at least one is needed"):
            search.evaluate(ROUND_ROBIN, problem, seeds=[])


def test_processes_give_the_same_results(problem):
    alone = evaluate_all(problem, [ROUND_ROBIN])
    assert evaluate_all(problem, [ROUND_ROBIN], n_jobs=2, backend="loky") == alone


def robust(problem, aim):
    """The problem with two other worlds: 3 instances, and twice the rate."""
    one_less = problem.under(lambda scenario: replace(scenario, cluster=replace(scenario.cluster, instances=3)))
    worlds = {"one less": one_less, "twice": problem.on(problem.traffic.faster(2.0))}
    return replace(problem, worlds=worlds, aim=aim)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_in_several_worlds_the_aim_is_what_counts(problem, policies, n_jobs):
    """Each world has its own baseline on its own tables; terms and seeds are those of the world as it is."""
    policy = policies[2]
    (here,) = Evaluator(problem, SEEDS, Workers()).evaluate([policy])
    for aim, combine in (("worst", min), ("mean", lambda scores: sum(scores) / 3), ("cvar", min)):
        asked = robust(problem, aim)
        (found,) = Evaluator(asked, SEEDS, Workers(n_jobs)).evaluate([policy])
        alone = [Evaluator(world, SEEDS, Workers()).evaluate([policy])[0] for world in asked.worlds.values()]
        assert list(found.worlds.values()) == [one.fitness for one in alone]
        assert found.fitness == pytest.approx(combine([here.fitness, *found.worlds.values()]))
        losses = zip(here.objectives, *(one.objectives for one in alone), strict=True)
        assert found.objectives == pytest.approx([-combine([-loss for loss in column]) for column in losses])
        assert (found.nominal, found.seed_values, found.terms) == (here.fitness, here.seed_values, here.terms)
    assert len({here.fitness, *found.worlds.values()}) == 3


def test_the_baseline_scores_zero_in_every_world(problem):
    (found,) = evaluate_all(robust(problem, "worst"), [problem.baseline])
    assert (found.fitness, dict(found.worlds)) == (0.0, {"one less": 0.0, "twice": 0.0})


def test_without_a_score_in_one_world_there_is_none(problem):
    def failing(scenario, table):
        if is_broken(scenario) and scenario.cluster.instances == 3:
            raise ZeroDivisionError("with three")
        return simulate(scenario, table)

    (found,) = evaluate_all(robust(replace(problem, simulate=failing), "mean"), [BROKEN])
    assert (found.status, found.fitness, found.nominal) == (FAILED, None, None)
    assert found.reason == "under one less: ZeroDivisionError: with three"
    assert found.worlds["one less"] is None and found.worlds["twice"] is not None


def test_search_evaluate_scores_as_a_robust_search_does(problem):
    asked = robust(problem, "worst")
    assert search.evaluate(ROUND_ROBIN, asked, SEEDS) == evaluate_all(asked, [ROUND_ROBIN])[0]


class Steps:
    """A fitness that a test knows beforehand: better by the policy's token budget, harder from table to table."""

    def outcome(self, scenario, table, result):
        return scenario.instance.batch.max_scheduled_tokens

    def compare(self, candidate, baseline):
        return FitnessValue((candidate - baseline) / 10_000, {"f_one": 0.0}, undone=0.0, harm=0.0, objectives=(0.0,))


TABLES = (11, 12, 13, 14)


@pytest.fixture
def racing(problem):
    """A problem, the simulations that it makes, a race on four tables and policies of falling token budgets."""
    counted, calls = counting(replace(problem, fitness=Steps()))
    bundles = [load_bundle({"engine": {"max_scheduled_tokens": tokens}}) for tokens in (9000, 8900, 4000, 1000)]
    values = [0.67, 0.69, 0.71, 0.73]
    front = [Evaluation(str(i), OK, seed_values=(*values[i % 4 :], *values[: i % 4])) for i in range(LEAST)]
    return counted, calls, make_race(RaceSettings(0.05, 0.01), front), [problem.policy(bundle) for bundle in bundles]


def test_who_is_worse_than_the_front_sees_one_table(racing):
    problem, calls, race, policies = racing
    found = Evaluator(problem, TABLES, Workers()).evaluate(policies, race)
    assert [one.status for one in found] == [OK, OK, STOPPED, STOPPED]
    assert [sum(value is not None for value in one.seed_values) for one in found] == [4, 4, 1, 1]
    assert len(calls) == 4 + 4 + 4 + 1 + 1  # with the baseline
    assert found[2].fitness > found[3].fitness


def test_those_that_see_all_are_scored_as_without_a_race(racing):
    problem, _, race, policies = racing
    whole = Evaluator(problem, TABLES, Workers()).evaluate(policies)
    assert Evaluator(problem, TABLES, Workers()).evaluate(policies, race)[:2] == whole[:2]


def test_company_and_workers_change_no_race(racing):
    problem, _, race, policies = racing
    together = Evaluator(problem, TABLES, Workers()).evaluate(policies, race)
    assert Evaluator(problem, TABLES, Workers(n_jobs=2)).evaluate(policies[::-1], race)[::-1] == together
    evaluator = Evaluator(problem, TABLES, Workers())
    assert [evaluator.evaluate([policy], race)[0] for policy in policies] == together


def test_who_was_stopped_sees_all_when_there_is_no_race(racing):
    problem, _, race, policies = racing
    evaluator = Evaluator(problem, TABLES, Workers())
    assert evaluator.evaluate(policies, race)[3].status == STOPPED
    assert evaluator.evaluate(policies, race)[3].status == STOPPED  # not again
    assert evaluator.evaluate(policies) == Evaluator(problem, TABLES, Workers()).evaluate(policies)


def test_who_fails_is_not_tried_on_more_tables(racing):
    problem, calls, race, _ = racing

    def failing(scenario, table):
        calls.append(1)
        raise ZeroDivisionError

    evaluator = Evaluator(problem, TABLES, Workers())
    evaluator.evaluate([problem.against])
    evaluator.problem, before = replace(problem, simulate=failing), len(calls)
    (found,) = evaluator.evaluate([problem.policy(BROKEN)], race)
    assert (found.status, found.seed_values) == (FAILED, (None,) * 4)
    assert len(calls) == before + 1
