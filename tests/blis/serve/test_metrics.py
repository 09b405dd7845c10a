from __future__ import annotations

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from blis.serve.metrics import Metrics
from tests.blis.serve.small import MODEL, client, fleet


def samples(text: str) -> dict[tuple[str, str], float]:
    """Values by name and engine."""
    return {
        (sample.name, sample.labels["engine"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "le" not in sample.labels and sample.labels.get("finished_reason", "length") == "length"
    }


def test_counters_say_what_has_been_done():
    with client(instances=1) as http:
        before = samples(http.get("/metrics").text)
        assert before["vllm:generation_tokens_total", "0"] == 0
        for _ in range(2):
            http.post("/v1/completions", json={"prompt": list(range(10)), "max_tokens": 5, "ignore_eos": True})
        found = samples(http.get("/metrics").text)
    assert found["vllm:prompt_tokens_total", "0"] == found["vllm:prefix_cache_queries_total", "0"] == 20
    assert found["vllm:generation_tokens_total", "0"] == 10
    assert found["vllm:prefix_cache_hits_total", "0"] == 8
    assert found["vllm:time_to_first_token_seconds_count", "0"] == 2
    assert found["vllm:inter_token_latency_seconds_count", "0"] == 8
    assert abs(found["vllm:inter_token_latency_seconds_sum", "0"] - 8 * 0.01001) < 1e-9
    assert found["vllm:e2e_request_latency_seconds_count", "0"] == 2
    assert found["vllm:request_success_total", "0"] == 2


def test_gauges_say_what_is_being_done():
    now_s = [0.0]
    made = fleet(speed=1.0, instances=1, running=1, clock=lambda: now_s[0])
    metrics = Metrics(made, MODEL)
    for first in (0, 1000, 2000):
        made.submit(np.arange(first, first + 8), np.arange(20), "stop")
    now_s[0] = 0.015
    made.turn()
    found = samples(metrics.page().decode())
    assert found["vllm:num_requests_running", "0"] == 1
    assert found["vllm:num_requests_waiting", "0"] == 2
    assert found["vllm:kv_cache_usage_perc", "0"] == 3 / 500


def test_routers_find_the_size_of_the_cache():
    with client() as http:
        assert 'vllm:cache_config_info{block_size="4",engine="1",num_gpu_blocks="500"} 1.0' in http.get("/metrics").text
