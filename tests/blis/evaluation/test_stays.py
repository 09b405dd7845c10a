"""Where requests wait, told by hand: steps take 100 µs, KV is moved in 87."""

from dataclasses import replace

from blis.config import Disaggregation, KVTransfer, Pool
from blis.engine.run import simulate
from blis.evaluation.detectors.saturation import saturation
from blis.evaluation.load import load_of
from blis.evaluation.stays import longest_steps_us, stays
from tests.blis.engine.plain_times import deployment, requests

LINK = KVTransfer(bytes_per_token=1000, bandwidth_gb_s=0.1, latency_us=7)
PROMPTS = [range(8), range(100, 108), range(200, 204)]


def apart(*arrivals_us: int):
    """The last prompt is so short that it is computed where it is used."""
    pools = [Pool(role="prefill"), Pool(role="decode")]
    given = Disaggregation("uncached-tokens", uncached_tokens=8)
    scenario = deployment(2, pools=pools, kv_transfer=LINK, disaggregation=given)
    table = requests(list(arrivals_us), 3, PROMPTS)
    return scenario, table, simulate(scenario, table)


def test_a_request_waits_once_where_it_is_served():
    result = simulate(deployment(2), requests([0, 10], 2))
    (stay,) = stays(result, 5)
    assert (stay.came_us, stay.queued_us, stay.taken_us) == (result.arrival_us, result.queued_us, result.scheduled_us)
    assert longest_steps_us(result).tolist() == [100, 100, 0]


def test_where_its_prompt_is_computed_elsewhere_it_waits_there_and_here_and_not_between():
    _, _, result = apart(0, 30, 1000)
    first, second = stays(result, 5)
    assert first.instance.tolist() == [0, 0, 1] and second.instance.tolist() == [1, 1, -1]
    assert (first.ahead_us, second.ahead_us) == (5, 0)
    assert first.taken_us.tolist() == [0, 100, 1000]  # the second one waits for the step of the first
    assert second.came_us.tolist() == [100, 200, -1]
    assert second.taken_us.tolist() == [100, 287, -1]  # the KV of the first came at 187, and a step began
    assert second.queued_us.tolist() == [100, 200, -1]


def test_kv_on_its_way_keeps_nobody_waiting():
    scenario, table, _ = apart(0, 1000, 2000)
    slow = replace(scenario.cluster, kv_transfer=replace(LINK, latency_us=10_000))
    scenario = replace(scenario, cluster=slow)
    assert load_of(scenario, table, simulate(scenario, table)).waited_share == 0
    scenario, table, result = apart(0, 0, 0)
    assert load_of(scenario, table, result).waited_share == 0


def test_nobody_is_held_back_where_each_is_alone():
    pools = [Pool(role="prefill"), Pool(role="decode")]
    link = replace(LINK, latency_us=700)
    scenario = deployment(2, pools=pools, kv_transfer=link, disaggregation=Disaggregation())
    table = requests(list(range(0, 400_000, 2000)), 3, [range(8 * i, 8 * i + 8) for i in range(200)])
    found = saturation(scenario, table, simulate(scenario, table))
    assert (found.verdict, found.held_back_share) == ("stable", 0)
