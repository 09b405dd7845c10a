"""What the first token of a request waited for whose prompt another instance computed."""

import numpy as np

from blis.config import Disaggregation, KVTransfer, LatencyModel, Pool
from blis.engine.run import simulate
from blis.evaluation.handovers import PARTS, handover_metrics
from blis.evaluation.metrics import compute_metrics
from tests.blis.engine.plain_times import deployment, requests

LINK = KVTransfer(bytes_per_token=1000, bandwidth_gb_s=0.1, latency_us=7)
QUEUEING = {"latency_model": LatencyModel(alpha=(20, 1.5, 3), beta=(100, 0, 0))}


def run(decider: str = "always"):
    pools = [Pool(role="prefill"), Pool(role="decode")]
    given = Disaggregation(decider, uncached_tokens=8)
    scenario = deployment(2, pools=pools, kv_transfer=LINK, disaggregation=given, engine=QUEUEING)
    table = requests([0, 1000], 3, [range(8), range(100, 104)])
    return scenario, table, simulate(scenario, table)


def test_the_parts_of_a_first_token():
    _, _, result = run("uncached-tokens")  # the second prompt is short
    found = handover_metrics(result)
    means = [found.parts[name].mean for name in PARTS]
    assert np.allclose(means, [0.032, 0.1, 0.032, 0.087, 0.103])
    assert (found.prefilled_elsewhere, found.moved, found.moved_blocks) == (1, 1, 2)


def test_they_add_up_to_its_time():
    _, _, result = run()
    whole = sum(part.mean for part in handover_metrics(result).parts.values())
    assert np.isclose(whole, result.ttft_us.mean() / 1000)


def test_each_request_counts_once():
    scenario, table, result = run()
    metrics = compute_metrics(scenario, table, result)
    assert (metrics.injected, metrics.input_tokens, metrics.output_tokens) == (2, 12, 6)
    assert metrics.to_dict()["kv_moved_requests"] == 2


def test_without_roles_there_is_nothing_to_say():
    scenario, table = deployment(2), requests([0])
    metrics = compute_metrics(scenario, table, simulate(scenario, table))
    assert metrics.handovers is None and "kv_moved_requests" not in metrics.to_dict()
