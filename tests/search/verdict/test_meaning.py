"""What a verdict is worth: said before all else where it can mean nothing."""

import json
import re

import pytest

from search.__main__ import run
from search.application import EXIT_FAILURE, EXIT_OK
from search.verdict.holdout import make_holdout
from search.verdict.meaning import situation
from tests.blis.workload.trace_files import random_mooncake_rows, write_mooncake
from tests.search.small import small_settings

QUIET = ("workload.aggregate_rate=0.05", "workload.population.prefix.share=0")


def met(tmp_path, *overrides):
    """What the primary baseline meets."""
    settings = small_settings(tmp_path / "run", *overrides)
    return situation(settings, make_holdout(settings).reported(settings.problem.against))


def test_a_busy_cluster_leaves_no_doubt(tmp_path):
    found = met(tmp_path, "workload.aggregate_rate=56", "workload.first=400")
    assert found.doubts == found.preface == () and 0 < found.load.waited_share < 0.5 and found.good_share < 1
    assert str(found).startswith("4 instances, computing ")
    assert f"{found.load.offered_per_s:.3g} requests/s offered, {found.load.served_per_s:.3g} served" in str(found)


@pytest.mark.parametrize(
    ("space", "instances", "doubted"),
    [("routing_weights", 1, True), ("routing_weights", 2, False), ("default", 1, False)],
)
def test_one_instance_cannot_be_routed_to(tmp_path, space, instances, doubted):
    found = met(tmp_path, f"search_space={space}", f"cluster.cluster.instances={instances}")
    assert any(doubt.startswith("Routing cannot matter") for doubt in found.doubts) == doubted


def test_room_for_all_and_targets_that_are_all_met_are_said_with_the_load(tmp_path):
    room, content, load = met(tmp_path, *QUIET).preface
    assert room == "There is room for all: under llm-d-default no request ever waits."
    assert load.startswith("Load: instances computing ") and "% of the time, " in load and load.endswith(" served.")
    assert content == "There is no target to win: llm-d-default meets every SLO for every request."


def test_where_cost_counts_a_cluster_that_is_too_large_is_no_doubt(tmp_path):
    assert met(tmp_path, *QUIET, "fitness.weights.cost=0.5").doubts == ()


def test_instances_that_cost_nothing_and_may_be_had_are_a_doubt(tmp_path):
    free = ("search_space=autoscaling", "workload.aggregate_rate=56", "workload.first=400")
    (doubt,) = met(tmp_path, *free).doubts
    assert doubt.startswith("More instances cost nothing: ")
    assert met(tmp_path, *free, "fitness.weights.cost=0.1").doubts == ()


def test_of_instances_that_come_and_go_their_mean_is_said_and_routing_matters(tmp_path):
    scaled = "cluster.cluster.autoscaling={maximum: 4, concurrency: 2, sync_us: 1000000, up_period_us: 1000000}"
    found = met(tmp_path, "search_space=routing_weights", "cluster.cluster.instances=1", scaled, "workload.first=400")
    assert not any(doubt.startswith("Routing cannot matter") for doubt in found.doubts)
    assert 1 < found.load.instances < 4 and found.load.utilisation > 0.5
    assert str(found).startswith(f"{found.load.instances:.2f}".rstrip("0") + " instances, computing ")


def test_hardly_anybody_who_waits_leaves_room_for_nearly_all(tmp_path):
    room, *_ = met(tmp_path, *QUIET, "workload.aggregate_rate=2.0").doubts
    assert re.fullmatch(r"There is room for nearly all: under \S+ only 0\.\d\d% of the requests ever wait\.", room)


def test_the_original_fitness_has_no_targets(tmp_path):
    found = met(tmp_path, *QUIET, "fitness=original")
    assert found.good_share is None and len(found.doubts) == 1


def test_the_first_line_of_the_verdict_says_so_even_where_every_difference_is_the_same(tmp_path, capsys):
    """Constant lengths on a quiet cluster: what a token budget is worth is equal but for rounding on all tables."""
    tokens = {"input": 625, "output": 20}
    lengths = [
        f"workload.population.{side}_distribution={{type: constant, params: {{value: {length}}}}}"
        for side, length in tokens.items()
    ]
    settings = small_settings(tmp_path / "run", *QUIET, *lengths, "search_space=engine_knobs", "primary=round-robin")
    assert run(settings) == EXIT_OK
    verdict = json.loads((tmp_path / "run" / "verdict.json").read_text())
    first = capsys.readouterr().out.splitlines()[0]
    assert first == verdict["sentence"] and first.startswith("Keep what you run, round-robin. There is room for all")
    assert verdict["doubts"] and verdict["load"]["waited_share"] == 0
    assert "point" in {found["bootstrap"] for found in verdict["baselines"].values()}


def test_how_many_instances_a_utilisation_has_chosen_is_said(tmp_path):
    path = write_mooncake(tmp_path / "trace.jsonl", random_mooncake_rows(seed=8, n=300, gap_ms=200))
    trace = ("workload=trace", f"workload.path={path}", "workload.first=300", "workload.windows.warmup_s=3")
    settings = small_settings(tmp_path / "run", *trace, "workload.utilisation=0.01")
    found = situation(settings, make_holdout(settings).reported(settings.problem.against))
    assert found.load.instances == settings.problem.scenario.cluster.instances != 4
    assert str(found).startswith(
        f"{found.load.instances:g} instances, chosen for workload.utilisation 0.01, computing "
    )


@pytest.mark.parametrize(
    "overrides",
    [
        ["workload.first=20", "cluster.instance.kv.blocks=1"],
        ["workload.first=400", "cluster.horizon_us=600000"],  # ends while the first requests, which are not scored, run
    ],
)
def test_nothing_served_is_no_verdict(tmp_path, capsys, overrides):
    settings = small_settings(tmp_path / "run", *overrides)
    assert run(settings) == EXIT_FAILURE
    out = capsys.readouterr().out
    assert out.startswith("Nothing was served: no request that is scored is completed") and "0.0 ms" not in out
