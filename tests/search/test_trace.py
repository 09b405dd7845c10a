"""A whole search on recorded traffic: pools are windows, the interval comes from blocks of time."""

import json

import numpy as np
import pytest

from blis.cli.main import main
from blis.errors import InputError
from blis.policies.bundle import load_bundle
from blis.workload.capacity import scaled_instances
from blis.yaml_strict import dump_yaml, load_mapping
from search.__main__ import run
from search.application import EXIT_OK, compose_settings
from search.identity import run_id, scenario_id
from search.verdict.holdout import make_holdout
from search.verdict.judgement import NO_INTERVAL
from tests.blis.workload.trace_files import MOONCAKE_CONVERSATION, needs_samples, random_mooncake_rows, write_mooncake
from tests.search.small import small_settings, without_pictures

N = 600
CANONICAL = ("candidates.csv", "best_policy.yaml", "best_candidate.yaml", "verdict.json")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A trace of a minute."""
    folder = tmp_path_factory.mktemp("trace")
    return write_mooncake(folder / "trace.jsonl", random_mooncake_rows(seed=8, n=N, gap_ms=200))


@pytest.fixture(scope="module")
def settings_of(path):
    """Makes the settings of a small search on the trace."""

    def make(run_dir, *overrides):
        own = ("workload=trace", f"workload.path={path}", f"workload.first={N}", "workload.windows.warmup_s=3")
        return small_settings(run_dir, *own, *overrides)

    return make


@pytest.fixture(scope="module")
def done(settings_of, tmp_path_factory):
    """A finished run."""
    settings = settings_of(tmp_path_factory.mktemp("done"))
    assert run(settings) == EXIT_OK
    return settings


@pytest.fixture
def no_figures(monkeypatch):
    """Leaves out the picture, half of the time of a small run."""
    without_pictures(monkeypatch)


def facts(settings):
    return json.loads((settings.run_dir / "verdict.json").read_text())


class TestVerdict:
    def test_it_says_which_windows_and_which_blocks(self, done):
        verdict = facts(done)
        windows = [verdict["pools"][name] for name in ("search", "selection", "report")]
        assert [window["window"] for window in windows] == ["search", "selection", "report"]
        assert windows[0]["start_s"] == 3
        assert [window["end_s"] for window in windows[:-1]] == [window["start_s"] for window in windows[1:]]
        assert all(window["warmup_requests"] > 0 for window in windows)
        found = verdict["baselines"]["llm-d-default"]
        assert found["blocks"] >= 10
        p99_s = max(verdict["measured"][f"{who}_mean"]["e2e_p99_ms"] for who in ("winner", "primary")) / 1000
        assert 5 * p99_s <= found["block_s"] < 10 * p99_s
        assert found["interval"][0] <= found["mean"] <= found["interval"][1]
        assert f"on this trace, later (95 %, block bootstrap, {found['blocks']} blocks" in verdict["sentence"]

    def test_all_parts_but_a_redrawn_population_and_p_values(self, done):
        verdict = facts(done)
        assert set(verdict["baselines"]) == {*done.baselines, "llm-d-default-tuned-knobs"}
        assert set(verdict["split"]) == {"knobs_alone", "policy_alone"}
        assert verdict["optimism"] == pytest.approx(verdict["winner"]["search"] - verdict["winner"]["report"])
        assert verdict["winner"]["report"] == verdict["baselines"]["llm-d-default"]["mean"]
        assert verdict["random_policies"]["n"] == 3
        assert "redrawn_population" not in verdict
        assert not any(key.startswith("p") for found in verdict["baselines"].values() for key in found)

    def test_the_policy_carries_its_proof(self, done):
        provenance, verdict = load_bundle(done.run_dir / "best_candidate.yaml").provenance, facts(done)
        report = verdict["pools"]["report"]
        assert provenance["tables"]["report"].startswith(f"{report['requests']} requests from {report['start_s']:g} s")
        primary = verdict["baselines"]["llm-d-default"]
        assert {key: provenance["verdict"][key] for key in primary} == primary

    def test_a_policy_against_itself_is_a_point(self, done):
        baseline = done.problem.against
        (same,) = make_holdout(done).against(baseline, [baseline])
        assert (same.mean, same.bounds) == (0.0, (0.0, 0.0))

    def test_too_short_for_an_interval(self, settings_of, tmp_path, capsys, no_figures):
        settings = settings_of(tmp_path, "workload.first=60", "workload.windows.warmup_s=1")
        assert run(settings) == EXIT_OK
        verdict = facts(settings)
        assert verdict["outcome"] == NO_INTERVAL
        assert verdict["baselines"]["llm-d-default"]["interval"] is None
        assert (verdict["beats"], verdict["beats_all"]) == ([], False)
        assert "the report window is too short for an interval" in verdict["sentence"]
        assert "none" in capsys.readouterr().out

    def test_a_fitness_without_rows_has_no_interval(self, settings_of, tmp_path, no_figures):
        settings = settings_of(tmp_path, "fitness=original")
        assert run(settings) == EXIT_OK
        assert "this fitness gives no interval on a trace" in facts(settings)["sentence"]


def test_a_recorded_trace_is_one_sample_and_takes_no_ensemble(settings_of, tmp_path):
    with pytest.raises(InputError, match="ensemble needs a workload that is drawn"):
        settings_of(tmp_path, "cluster.instance.latency_model.ensemble=4")


class TestReproducible:
    def test_same_bytes_with_another_number_of_workers(self, done, settings_of, tmp_path, no_figures):
        assert run(settings_of(tmp_path, "parallel.n_jobs=2")) == EXIT_OK
        for name in CANONICAL:
            assert (tmp_path / name).read_bytes() == (done.run_dir / name).read_bytes()

    def test_a_copy_of_the_file_is_the_same_and_its_path_is_nowhere(self, done, settings_of, path, tmp_path):
        copy = tmp_path / "copy.jsonl"
        copy.write_bytes(path.read_bytes())
        same = settings_of(tmp_path, f"workload.path={copy}")
        assert (run_id(same), scenario_id(same)) == (run_id(done), scenario_id(done))
        for name in CANONICAL:
            assert path.name not in (done.run_dir / name).read_text()
        assert load_mapping(done.run_dir / "scenario.yaml")["workload"]["path"] == str(path)
        write_mooncake(copy, random_mooncake_rows(seed=9, n=N, gap_ms=200))
        assert run_id(settings_of(tmp_path, f"workload.path={copy}")) != run_id(done)


class TestRunAgain:
    """`blis run` on the run folder."""

    @staticmethod
    def arguments(folder):
        policy = folder / "best_candidate.yaml"
        return ["run", "--config", str(folder / "scenario.yaml"), "--policy-config", str(policy)]

    def test_the_report_window_is_what_the_verdict_measured(self, done, capsys):
        outputs = []
        for window in ([], ["--window", "report"], ["--window", "search"]):
            assert main([*self.arguments(done.run_dir), *window]) == 0
            outputs.append(json.loads(capsys.readouterr().out))
        assert outputs[0] == outputs[1] != outputs[2]
        (measured,) = facts(done)["measured"]["winner_by_table"]
        assert measured.pop("table") == "report"
        assert measured.pop("mean_instances") == done.problem.against.scenario.cluster.instances
        assert {key: outputs[0][key] for key in measured} == measured

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--seed", "3"], "--seed is for drawn requests; those of a trace are recorded: give --window"),
            (["--num-requests", "3"], "--num-requests is for drawn requests; those of a trace are recorded"),
            (["--window", "report", "--requests", "x.csv"], "--window is for a recorded trace"),
        ],
    )
    def test_what_does_not_go_together_is_one_line(self, done, capsys, options, message):
        assert main([*self.arguments(done.run_dir), *options]) == 2
        err = capsys.readouterr().err
        assert message in err and err.count("\n") == 1

    def test_a_window_needs_a_trace(self, done, tmp_path, capsys):
        mapping = load_mapping(done.run_dir / "scenario.yaml")
        dump_yaml({key: value for key, value in mapping.items() if key != "workload"}, tmp_path / "scenario.yaml")
        assert main(["run", "--config", str(tmp_path / "scenario.yaml"), "--window", "report"]) == 2
        assert "--window is for a recorded trace that a workload names" in capsys.readouterr().err


class TestProblem:
    def test_pools_are_windows_one_after_the_other(self, done):
        problem = done.problem
        assert problem.search_seeds == done.pool("pool/search", 4) == ("search",)
        names = []
        for pool in ("pool/search", "pool/selection", "pool/report"):
            (key,) = done.pool(pool, 16)
            table = problem.table(key)
            names.extend(table.request_ids[table.scored_rows])
        assert names == [f"request_{row}" for row in range(N - len(names), N)]

    def test_rates_are_those_of_the_search_window(self, done):
        table, window = done.problem.table("search"), facts(done)["pools"]["search"]
        tokens = table.input_tokens[table.scored_rows].sum()
        assert done.problem.rates == {
            "offered_tokens_per_s": pytest.approx(tokens / (window["end_s"] - window["start_s"]))
        }

    def test_utilisation_sets_the_number_of_instances(self, done, settings_of, tmp_path):
        scaled = settings_of(tmp_path, "workload.utilisation=0.02").problem
        trace = scaled.traffic.trace
        assert scaled.scenario.cluster.instances == scaled_instances(trace, scaled.scenario.instance, 0.02) > 4
        assert done.problem.scenario.cluster.instances == 4
        assert scaled.mapping()["cluster"]["instances"] == scaled.scenario.cluster.instances

    @pytest.mark.parametrize(
        ("overrides", "message"),
        [
            ([], "path must name the trace file"),
            (["workload.path=nowhere.jsonl"], "nowhere.jsonl: No such file"),
            (["workload.path=x", "workload.format=mooncke"], "did you mean 'mooncake'"),
        ],
    )
    def test_mistakes_are_one_line(self, overrides, message):
        with pytest.raises(InputError, match=message):
            compose_settings(["workload=trace", *overrides])

    def test_a_trace_within_its_warm_up_is_refused(self, settings_of, tmp_path):
        with pytest.raises(InputError, match="all of it within the warm-up of 500 s"):
            settings_of(tmp_path, "workload.windows.warmup_s=500")

    @needs_samples
    def test_a_sample_is_a_problem(self):
        problem = compose_settings(["workload=trace", f"workload.path={MOONCAKE_CONVERSATION}"]).problem
        report = problem.table("report")
        assert 0 < report.scored_rows.start < report.scored_rows.stop == len(report)
        assert np.isfinite(problem.rates["offered_tokens_per_s"])
