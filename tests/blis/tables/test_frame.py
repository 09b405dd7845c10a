"""One row a request, blank where something never happened."""

from __future__ import annotations

from pathlib import Path

import blis
from blis.yaml_strict import load_mapping


def test_rows_follow_the_requests_and_add_up(small: Path):
    result = blis.simulate(small / "scenario.yaml", small / "requests.csv")
    frame = result.to_frame()
    assert list(frame.request_id) == ["a", "b", "c"]
    assert list(frame.slo_class) == ["fast", "slow", "fast"] and list(frame.tenant) == ["t1", "t2", "t1"]
    assert (frame.generated_tokens == frame.output_tokens).all()
    spread = (frame.e2e_us - frame.ttft_us) / (frame.output_tokens - 1).clip(1)
    assert (frame.itl_mean_us == spread).all()


def test_what_never_happened_is_blank(small: Path):
    result = blis.simulate(small / "scenario.yaml", small / "requests.csv", {"admission": {"policy": "reject-all"}})
    result.save(small / "out.csv")
    header, *rows = (small / "out.csv").read_text().splitlines()
    assert header.startswith("request_id,status,instance,ttft_us,e2e_us,itl_mean_us,scheduling_delay_us,queued_us,")
    assert rows[0].startswith("a,rejected,,,,,,,,")
    assert len({line.count(",") for line in [header, *rows]}) == 1


def test_rows_say_what_their_instance_was_started_with(small: Path):
    own = {"engine": {"async_scheduling": True}, "batch": {"max_running": 3}, "kv": {"blocks": 70}}
    scenario = load_mapping(small / "scenario.yaml")
    scenario["cluster"] = {"instances": 2}
    frame = blis.simulate({**scenario, "pools": [{}, own]}, small / "requests.csv").to_frame()
    assert {*frame.instance} == {0, 1}
    assert [*frame.engine] == [
        "original" if number == 0 else '{"profile": "original", "async_scheduling": true}' for number in frame.instance
    ]
    assert frame.max_running[frame.instance == 1].tolist() == [3] * (frame.instance == 1).sum()
    assert frame.kv_blocks[frame.instance == 1].tolist() == [70] * (frame.instance == 1).sum()
    rejected = blis.simulate(scenario, small / "requests.csv", {"admission": {"policy": "reject-all"}}).to_frame()
    assert rejected.kv_blocks.isna().all() and (rejected.engine == "").all()
