"""The study of engine profiles: one row for each switch, and each row is a run with that switch."""

from dataclasses import fields

import pytest

from blis.config import PROFILES, Engine
from experiments import profiles
from experiments.profiles import effect, engines, main, on
from search.application import compose_settings
from tests.blis.workload.trace_files import random_mooncake_rows, write_mooncake


@pytest.fixture(scope="module")
def problem():
    return compose_settings(["experiment=overload", "workload.first=1000"]).problem


def test_every_switch_stands_alone_and_the_profiles_at_the_ends():
    first, *alone, last = engines().values()
    assert (first, last) == (PROFILES["original"], PROFILES["vllm-2026"])
    switched = [{field.name for field in fields(Engine) if getattr(engine, field.name) is True} for engine in alone]
    assert [len(names) for names in switched] == [1] * len(alone)
    assert set().union(*switched) == {field.name for field in fields(Engine) if getattr(last, field.name) is True}


def test_the_problem_is_the_same_but_for_the_engine(problem):
    changed = on(problem, PROFILES["original"])
    assert {replica.instance.engine for replica in changed.scenario.replicas} == {PROFILES["original"]}
    assert on(changed, PROFILES["vllm-2026"]).scenario == problem.scenario


def test_numbers_are_means_of_what_the_engine_does(problem, monkeypatch):
    monkeypatch.setattr(profiles, "TABLES", 1)
    ttft_ms, e2e_ms, _, tokens_per_s = effect(problem, PROFILES["original"])
    ahead_ttft_ms, *_ = effect(problem, Engine(async_scheduling=True))
    assert 0 < ttft_ms < ahead_ttft_ms and e2e_ms > 0 and tokens_per_s > 0


def test_a_trace_has_no_tables_to_draw(capsys, tmp_path):
    path = write_mooncake(tmp_path / "trace.jsonl", random_mooncake_rows(seed=1, n=200))
    assert main(["workload=trace", f"workload.path={path}"]) == 2
    assert capsys.readouterr().err.startswith("error: ")
