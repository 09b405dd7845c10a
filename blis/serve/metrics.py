"""Prometheus metrics with the names and buckets of vLLM 0.11 and later (vllm/v1/metrics/loggers.py).

Times are those of the simulated clock. Each simulated instance is an `engine`.
"""

from __future__ import annotations

import prometheus_client as prometheus
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from blis.serve.fleet import Answer, Fleet
from blis.tables.records import COMPLETED

_TTFT_S = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0),
    *(80.0, 160.0, 640.0, 2560.0),
)
_TOKEN_S = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0),
)
_REQUEST_S = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0),
    *(960.0, 1920.0, 7680.0),
)
_TOKENS = tuple(m * 10**e for e in range(6) for m in (1, 2, 5))

_LABELS = ("model_name", "engine")
_GAUGES = {
    "running": ("vllm:num_requests_running", "Requests in the batches of the engine."),
    "waiting": ("vllm:num_requests_waiting", "Requests that wait for the engine."),
    "kv": ("vllm:kv_cache_usage_perc", "Share of the KV cache in use, 1 = all."),
}
_COUNTERS = {
    "preemptions": ("vllm:num_preemptions", "Preemptions so far."),
    "queries": ("vllm:prefix_cache_queries", "Prompt tokens looked up in the prefix cache."),
    "hits": ("vllm:prefix_cache_hits", "Prompt tokens found in the prefix cache."),
    "prompt": ("vllm:prompt_tokens", "Prompt tokens processed."),
    "generation": ("vllm:generation_tokens", "Tokens generated."),
}
_HISTOGRAMS = {
    "ttft": ("vllm:time_to_first_token_seconds", "Time to the first token.", _TTFT_S),
    "itl": ("vllm:inter_token_latency_seconds", "Time between two tokens.", _TOKEN_S),
    "tpot": ("vllm:request_time_per_output_token_seconds", "Time per token of a request after the first.", _TOKEN_S),
    "e2e": ("vllm:e2e_request_latency_seconds", "Time to the last token.", _REQUEST_S),
    "queue": ("vllm:request_queue_time_seconds", "Time before a request is scheduled.", _REQUEST_S),
    "prompt_tokens": ("vllm:request_prompt_tokens", "Prompt tokens of a request.", _TOKENS),
    "generation_tokens": ("vllm:request_generation_tokens", "Tokens generated for a request.", _TOKENS),
}


class Metrics:
    """What a fleet has done so far, and what it does."""

    def __init__(self, fleet: Fleet, model: str) -> None:
        """model: the label `model_name` of everything."""
        prometheus.disable_created_metrics()
        self._fleet, self._model, self._registry = fleet, model, CollectorRegistry()
        self._gauges = {key: Gauge(*each, _LABELS, registry=self._registry) for key, each in _GAUGES.items()}
        self._counters = {key: Counter(*each, _LABELS, registry=self._registry) for key, each in _COUNTERS.items()}
        self._histograms = {
            key: Histogram(name, text, _LABELS, registry=self._registry, buckets=buckets)
            for key, (name, text, buckets) in _HISTOGRAMS.items()
        }
        labels = (*_LABELS, "finished_reason")
        self._success = Counter("vllm:request_success", "Requests answered.", labels, registry=self._registry)
        self._preemptions = [0] * len(fleet.live.arrays.instances)
        for metric in (*self._gauges.values(), *self._counters.values(), *self._histograms.values()):
            for i in range(len(fleet.live.arrays.instances)):
                metric.labels(model, str(i))  # 0 before anything has happened
        self._tell_cache()
        fleet.on_token, fleet.on_end = self._count_token, self._count_end

    def page(self) -> bytes:
        """Everything, in Prometheus' text format."""
        arrays = self._fleet.live.arrays
        for i, instance in enumerate(arrays.instances):
            labels = self._model, str(i)
            self._gauges["running"].labels(*labels).set(int(instance.batch_size))
            self._gauges["waiting"].labels(*labels).set(int(instance.queue_depth))
            self._gauges["kv"].labels(*labels).set(int(instance.used_blocks) / int(arrays.engines[i].blocks))
            self._counters["preemptions"].labels(*labels).inc(int(instance.preemptions) - self._preemptions[i])
            self._preemptions[i] = int(instance.preemptions)
        return generate_latest(self._registry)

    def _tell_cache(self) -> None:
        """The size of every cache, as routers read it."""
        names = ("engine", "block_size", "num_gpu_blocks")
        info = Gauge("vllm:cache_config_info", "The KV cache.", labelnames=names, registry=self._registry)
        arrays = self._fleet.live.arrays
        for i, engine in enumerate(arrays.engines):
            info.labels(str(i), str(int(arrays.config.block_tokens)), str(int(engine.blocks))).set(1)

    def _count_token(self, answer: Answer) -> None:
        """One more token is out."""
        ticket, labels = answer.ticket, (self._model, str(answer.ticket.instance))
        self._counters["generation"].labels(*labels).inc()
        token_us = ticket.token_us[answer.tokens - 1]
        if answer.tokens > 1:
            self._histograms["itl"].labels(*labels).observe((token_us - ticket.token_us[answer.tokens - 2]) / 1e6)
            return
        self._histograms["ttft"].labels(*labels).observe((token_us - ticket.arrival_us) / 1e6)
        self._histograms["queue"].labels(*labels).observe((ticket.scheduled_us - ticket.arrival_us) / 1e6)
        self._counters["prompt"].labels(*labels).inc(ticket.input_tokens)
        self._counters["queries"].labels(*labels).inc(ticket.input_tokens)
        self._counters["hits"].labels(*labels).inc(ticket.cached_tokens)

    def _count_end(self, answer: Answer) -> None:
        """A request is over; who was rejected is no engine's."""
        ticket, labels = answer.ticket, (self._model, str(answer.ticket.instance))
        if ticket.instance < 0:
            return
        if ticket.status != COMPLETED:
            self._success.labels(*labels, "abort").inc()
            return
        self._success.labels(*labels, answer.finish_reason).inc()
        seconds = (ticket.token_us[-1] - ticket.arrival_us) / 1e6
        self._histograms["e2e"].labels(*labels).observe(seconds)
        self._histograms["prompt_tokens"].labels(*labels).observe(ticket.input_tokens)
        self._histograms["generation_tokens"].labels(*labels).observe(ticket.output_tokens)
        if ticket.output_tokens > 1:
            between = (ticket.token_us[-1] - ticket.token_us[0]) / 1e6 / (ticket.output_tokens - 1)
            self._histograms["tpot"].labels(*labels).observe(between)
