"""The whole job on a small problem: its files, its reproducibility, its ends."""

import csv
import hashlib
import json
import sys
from collections import Counter
from pathlib import Path

import pytest

import search
from blis.comparison.statistics import holm, paired_comparison
from blis.engine.run import simulate
from blis.errors import EngineError
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle, load_scenario, split_workload
from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec
from blis.yaml_strict import load_mapping
from search.__main__ import main, run
from search.application import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_OK
from search.identity import run_id
from search.verdict.judgement import HARDLY_WORTH, NO_WINNER, WINNER
from tests.places import CONF
from tests.search.small import (
    SMALL,
    interrupted_at,
    small_settings,
    with_simulation,
    without_candidates,
    without_pictures,
)

CANONICAL = ("candidates.csv", "best_policy.yaml", "best_candidate.yaml", "verdict.json")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished run."""
    settings = small_settings(tmp_path_factory.mktemp("done"))
    assert run(settings) == EXIT_OK
    return settings


@pytest.fixture
def no_figures(monkeypatch):
    """Leaves out the picture, half of the time of a small run."""
    without_pictures(monkeypatch)


def digests(folder: Path):
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in CANONICAL]


def facts(settings):
    return json.loads((settings.run_dir / "verdict.json").read_text())


def test_the_run_folder_is_complete(done):
    found = sorted(str(path.relative_to(done.run_dir)) for path in done.run_dir.rglob("*") if path.is_file())
    others = ["checkpoint", "config.yaml", "scenario.yaml", "figures/overview.png", "report.html", "run_info.json"]
    assert found == sorted([*CANONICAL, *others])
    assert (done.run_dir / "figures/overview.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("workers", [["parallel.n_jobs=1"], ["parallel.n_jobs=2"]])
def test_same_seed_same_bytes_for_any_number_of_workers(done, tmp_path, workers, no_figures):
    assert run(small_settings(tmp_path, *workers)) == EXIT_OK
    assert digests(tmp_path) == digests(done.run_dir)


def test_an_ensemble_of_the_latency_model_is_searched_alike_by_any_number_of_workers(tmp_path, no_figures):
    found = {}
    for members, workers in ((4, 1), (4, 2), (0, 1)):
        folder = tmp_path / f"{members}-{workers}"
        ensemble = f"cluster.instance.latency_model.ensemble={members}"
        small = ("driver.budget=14", "driver.batch=2", "workload.first=60", "validation.random_policies=0")
        settings = small_settings(folder, ensemble, f"parallel.n_jobs={workers}", *small)
        assert run(settings) == EXIT_OK
        found[members, workers] = digests(folder)
        assert facts(settings)["latency_model"]["ensemble"] == members
    assert found[4, 1] == found[4, 2]
    assert found[4, 1] != found[0, 1]


def test_a_search_starts_from_what_is_run_today_and_changes_only_what_may_change(tmp_path, no_figures):
    (tmp_path / "mine.yaml").write_text(
        "routing: {policy: weighted, scorers: [{name: queue-waiting, weight: 2}, {name: no-hit-lru, weight: 1}]}\n"
        "engine: {max_running: 100}\n"
    )
    start = [f"baselines=[{tmp_path / 'mine.yaml'},round-robin]", "primary=mine", "search_space.from=mine"]
    small = ("driver.budget=14", "driver.batch=4", "workload.first=60", "validation.random_policies=0")
    found = {}
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        settings = small_settings(folder, *start, "vary=[routing.scorers]", f"parallel.n_jobs={workers}", *small)
        assert run(settings) == EXIT_OK
        found[workers] = digests(folder)
    assert found[1] == found[2]
    rows = list(csv.DictReader((tmp_path / "1" / "candidates.csv").read_text().splitlines()))
    weights = ["routing.scorers.queue-waiting", "routing.scorers.no-hit-lru"]
    assert [key for key in rows[0] if key.startswith(("routing.", "admission.", "engine."))] == weights
    (today,) = [row for row in rows if row["name"] == "mine"]
    assert (today["generation"], today[weights[0]], today[weights[1]]) == ("0", "1.0", "0.5")
    best = load_bundle(tmp_path / "1" / "best_policy.yaml")
    assert {scorer.name for scorer in best.routing.scorers} <= {"queue-waiting", "no-hit-lru"}
    assert (best.engine.max_running, best.routing.policy) == (100, "weighted")


def test_another_seed_is_another_search(done, tmp_path, no_figures):
    settings = small_settings(tmp_path, "seed=2")
    run(settings)
    assert digests(tmp_path)[0] != digests(done.run_dir)[0]
    assert facts(settings)["pools"] == facts(done)["pools"]
    assert facts(settings)["run_id"] != facts(done)["run_id"]


def test_nothing_in_the_canonical_files_tells_the_machine(done):
    for name in CANONICAL:
        text = (done.run_dir / name).read_text()
        assert str(done.run_dir) not in text
        assert "threading" not in text


def test_the_report_is_reproduced_from_the_run_folder(done):
    """What `blis run --config RUN/scenario.yaml --policy-config RUN/best_candidate.yaml --seed N` does."""
    mapping, workload = split_workload(load_mapping(done.run_dir / "scenario.yaml"))
    scenario, spec = load_scenario(mapping), load_spec(workload)
    verdict = facts(done)
    fitness, differences = done.problem.fitness, []
    for seed in verdict["pools"]["report"]:
        table = generate(spec, seed)
        outcomes = []
        for policy in (load_bundle(done.run_dir / "best_candidate.yaml"), done.problem.baseline):
            outcomes.append(fitness.outcome(scenario, table, simulate(apply_bundle(scenario, policy), table)))
        differences.append(fitness.compare(*outcomes).value)
    mean = sum(differences) / len(differences)
    assert mean == pytest.approx(verdict["baselines"]["llm-d-default"]["mean"], abs=1e-12)
    assert mean == pytest.approx(verdict["winner"]["report"], abs=1e-12)
    found, expected = verdict["baselines"]["llm-d-default"], paired_comparison(differences, done.seed)
    assert found["t"] == pytest.approx([expected.t_low, expected.t_high])
    assert found["bca"] == pytest.approx([expected.bca_low, expected.bca_high])
    assert found["p"] == pytest.approx(expected.p_value)
    assert found["t"] != pytest.approx(found["bca"])


def test_a_search_that_proves_nothing_exports_what_runs_today(done):
    verdict, exported = facts(done), load_bundle(done.run_dir / "best_policy.yaml")
    assert verdict["baselines"]["llm-d-default"]["t"][0] < 0 and verdict["advice"]["kind"] == "keep"
    assert done.problem.policy(exported).id == done.problem.against.id
    assert verdict["sentence"].startswith("Keep what you run, llm-d-default.")


def test_the_best_candidate_scores_what_the_verdict_says(done):
    found = search.evaluate(done.run_dir / "best_candidate.yaml", done.problem)
    verdict = facts(done)
    assert found.fitness == verdict["winner"]["search_rounded"]
    assert found.genome_id == verdict["winner"]["genome_id"]
    assert verdict["outcome"] in (WINNER, HARDLY_WORTH, NO_WINNER)


def test_exported_weights_are_integers_and_provenance_names_the_run(done):
    bundle = load_bundle(done.run_dir / "best_candidate.yaml")
    for scorer in bundle.routing.scorers or ():
        assert scorer.weight == int(scorer.weight)
    verdict = facts(done)
    assert bundle.provenance["run"]["run_id"] == verdict["run_id"] == run_id(done)
    told = {name: f"{len(seeds)} of pool/{name}" for name, seeds in verdict["pools"].items()}
    assert bundle.provenance["tables"] == told
    assert bundle.provenance["verdict"]["t"] == verdict["baselines"]["llm-d-default"]["t"]


def test_the_parts_of_the_verdict(done):
    verdict = facts(done)
    assert set(verdict["baselines"]) == {*done.baselines, "llm-d-default-tuned-knobs"}
    assert set(verdict["split"]) == {"knobs_alone", "policy_alone"}
    assert verdict["optimism"] == pytest.approx(verdict["winner"]["search"] - verdict["winner"]["report"])
    assert verdict["random_policies"]["n"] == 3
    assert verdict["redrawn_population"]["tables"] == 4
    assert verdict["reproducible"] is True
    p_values, adjusted = zip(*((found["p"], found["p_holm"]) for found in verdict["baselines"].values()), strict=True)
    assert list(adjusted) == holm(p_values) != list(p_values)


def test_the_run_id_ignores_what_changes_nothing(tmp_path):
    def identity(*overrides):
        return run_id(small_settings(tmp_path, *overrides))

    alone = identity()
    for same in ("parallel.n_jobs=2", "parallel.backend=loky", "tracking=mlflow"):
        assert identity(same) == alone, same
    for other in (
        "seed=2",
        "driver.batch=9",
        "workload.first=201",
        "primary=blis-default",
        "baselines=[llm-d-default]",
    ):
        assert identity(other) != alone, other
    (tmp_path / "llm-d-default.yaml").write_text(CONF.joinpath("policy/llm-d-default.yaml").read_text())
    one, same_content = "baselines=[llm-d-default]", f"baselines=[{tmp_path}/llm-d-default.yaml]"
    assert identity(one) == identity(same_content)


def test_a_search_in_seconds_says_that_it_cannot_be_reproduced(tmp_path, no_figures):
    settings = small_settings(tmp_path, "driver.seconds=0.01", "driver.batch=20")
    assert run(settings) == EXIT_OK
    assert facts(settings)["reproducible"] is False


def test_ctrl_c_saves_what_was_evaluated(tmp_path, capsys):
    problem = small_settings(tmp_path).problem
    settings = interrupted_at(small_settings(tmp_path, "driver.batch=12"), 40)  # in the second generation
    assert run(settings) == EXIT_INTERRUPTED
    assert len((tmp_path / "candidates.csv").read_text().splitlines()) == 1 + 12
    verdict = facts(settings)
    assert verdict["outcome"] == "interrupted"
    best = load_bundle(tmp_path / "best_candidate.yaml")
    assert best.provenance["verdict"]["outcome"] == "interrupted"
    exported = settings.problem.policy(load_bundle(tmp_path / "best_policy.yaml"))
    assert exported.id == settings.problem.against.id
    assert search.evaluate(best, problem).fitness == verdict["winner"]["search"]
    assert "Interrupted" in capsys.readouterr().out


def test_ctrl_c_in_the_proof_proves_nothing(tmp_path, no_figures):
    settings = interrupted_at(small_settings(tmp_path), 40 * 2 + 11 * 3)
    assert run(settings) == EXIT_INTERRUPTED
    verdict = facts(settings)
    assert (verdict["outcome"], verdict["candidates"]) == ("interrupted", 40)
    assert verdict["sentence"].startswith("Keep what you run, llm-d-default. Interrupted")


def test_ctrl_c_before_anything_was_evaluated(tmp_path):
    settings = interrupted_at(small_settings(tmp_path), 3)
    assert run(settings) == EXIT_INTERRUPTED
    assert (tmp_path / "candidates.csv").read_text().startswith("index,generation,origin")
    assert "winner" not in facts(settings)
    exported = settings.problem.policy(load_bundle(tmp_path / "best_policy.yaml"))
    assert exported.id == settings.problem.against.id


@pytest.mark.parametrize(
    "choice", ["fitness=original", "search_space=routing_weights", "search_space=engine_knobs", "driver=random"]
)
def test_every_choice_runs_to_a_verdict(tmp_path, choice, no_figures):
    settings = small_settings(tmp_path, choice)
    assert run(settings) == EXIT_OK
    assert facts(settings)["baselines"]["llm-d-default"]["tables"] == 4


def test_a_search_in_which_all_candidates_fail_says_so(tmp_path):
    settings = without_candidates(small_settings(tmp_path))
    assert run(settings) == EXIT_FAILURE
    assert facts(settings)["outcome"] == "failed"
    assert (tmp_path / "candidates.csv").read_text().count(",failed,ZeroDivisionError") == 40 - len(settings.baselines)


def test_a_policy_is_simulated_once_on_a_table(tmp_path, monkeypatch):
    """Over search, verdict and overview together, whatever asks for it again."""
    monkeypatch.setattr("search.__main__.write_page", lambda *arguments: None)  # looks at single requests
    runs, tables = Counter(), []

    def counted(scenario, table):
        tables.append(table)  # while it is kept no other has its id
        runs[repr(scenario), id(table)] += 1
        return simulate(scenario, table)

    settings = with_simulation(small_settings(tmp_path, "driver.budget=20"), counted)
    assert run(settings) == EXIT_OK
    assert (tmp_path / "figures" / "overview.png").is_file()
    assert len({table for _, table in runs}) == 2 + 3 + 2 * 4  # search, selection, report and its redrawn ones
    assert set(runs.values()) == {1}


def test_the_verdict_is_told_before_pictures_are_drawn(tmp_path, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("search.__main__.write_overview", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(small_settings(tmp_path))
    assert "on a redrawn population" in capsys.readouterr().out
    assert facts(small_settings(tmp_path))["outcome"] in (WINNER, HARDLY_WORTH, NO_WINNER)


def test_the_verdict_is_told_when_there_is_no_room_for_files(tmp_path, capsys, monkeypatch):
    def full(path, text):
        raise EngineError(f"{path}: No space left on device")

    monkeypatch.setattr("search.run_folder.export.write_text", full)
    with pytest.raises(EngineError, match="No space left"):
        run(small_settings(tmp_path))
    assert "on a redrawn population" in capsys.readouterr().out


def test_a_search_that_cannot_be_kept_ends_and_says_why(tmp_path, capsys, monkeypatch, no_figures):
    def full(path, text):
        raise EngineError(f"{path}: No space left on device")

    monkeypatch.setattr("search.running.checkpoint.write_text", full)
    assert run(small_settings(tmp_path)) == EXIT_FAILURE
    assert capsys.readouterr().out.startswith(f"Nothing is proved: {tmp_path}/checkpoint: No space left on device.")


@pytest.fixture
def command(monkeypatch, tmp_path, capfd, no_figures):
    """Runs `python -m search <arguments>`, a small one; gives exit code, stdout, stderr."""

    def call(*arguments):
        small = [f"{key}={value}" for key, value in SMALL.items()]
        where = [f"hydra.sweep.dir={tmp_path}/runs", f"hydra.run.dir={tmp_path}/run"]
        monkeypatch.setattr(sys, "argv", ["search", *small, "tracking=none", *arguments, *where])
        return main(), *capfd.readouterr()

    return call


def test_several_searches_say_which_verdict_is_whose_and_end_with_a_table(command, tmp_path):
    code, out, _ = command("-m", "driver.budget=20", "seed=1,2")
    assert code == EXIT_OK
    titles = [line for line in out.splitlines() if line.startswith("== ")]
    assert ["seed=1" in titles[0], "seed=2" in titles[1], len(titles)] == [True, True, 2]
    rows = [line.split() for line in out.splitlines()[-2:]]
    assert [(row[0], row[-1]) for row in rows] == [(f"seed={n + 1}", f"{tmp_path}/runs/{n}") for n in range(2)]


def test_one_search_has_no_title(command):
    assert "==" not in command("driver.budget=20")[1]


def test_stdout_holds_the_verdict_and_stderr_nothing(tmp_path, capsys, no_figures):
    run(small_settings(tmp_path))
    out, err = capsys.readouterr()
    assert err == ""
    assert "prefix5-queue-waiting1" in out
    assert "on a redrawn population" in out
    assert out.splitlines()[-1] == f"run folder: {tmp_path}"
