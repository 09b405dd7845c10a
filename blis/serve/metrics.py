"""Prometheus metrics with the names and buckets of vLLM 0.11 and later (vllm/v1/metrics/loggers.py).

Times are those of the simulated clock. Each simulated instance is an `engine`.
"""

from __future__ import annotations

from typing import NamedTuple

import prometheus_client as prometheus
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from blis.serve.fleet import Answer, Fleet

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
_REASONS = ("stop", "length", "abort")
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


class _Engine(NamedTuple):
    """The metrics of one simulated instance, by the keys of the tables above."""

    gauges: dict[str, Gauge]
    counters: dict[str, Counter]
    histograms: dict[str, Histogram]
    ended: dict[str, Counter]  # by why


class Metrics:
    """What a fleet has done so far, and what it does."""

    def __init__(self, fleet: Fleet, model: str) -> None:
        """model: the label `model_name` of everything."""
        prometheus.disable_created_metrics()
        self._fleet, self._registry = fleet, CollectorRegistry()
        self._engines = self._make_engines(model, len(fleet.live.arrays.instances))
        self._preemptions = [0] * len(self._engines)
        self._tell_cache()
        fleet.on_token.append(self._count_token)
        fleet.on_end.append(self._count_end)

    def page(self) -> bytes:
        """Everything, in Prometheus' text format."""
        arrays = self._fleet.live.arrays
        for i, (instance, engine) in enumerate(zip(arrays.instances, self._engines, strict=True)):
            engine.gauges["running"].set(int(instance.batch_size))
            engine.gauges["waiting"].set(int(instance.queue_depth))
            engine.gauges["kv"].set(int(instance.used_blocks) / int(arrays.engines[i].blocks))
            engine.counters["preemptions"].inc(int(instance.preemptions) - self._preemptions[i])
            self._preemptions[i] = int(instance.preemptions)
        return generate_latest(self._registry)

    def _make_engines(self, model: str, count: int) -> list[_Engine]:
        """The metrics of every instance, all 0."""
        registry = self._registry
        gauges = {key: Gauge(*each, _LABELS, registry=registry) for key, each in _GAUGES.items()}
        counters = {key: Counter(*each, _LABELS, registry=registry) for key, each in _COUNTERS.items()}
        histograms = {
            key: Histogram(name, text, _LABELS, registry=registry, buckets=buckets)
            for key, (name, text, buckets) in _HISTOGRAMS.items()
        }
        why = (*_LABELS, "finished_reason")
        ended = Counter("vllm:request_success", "Requests that are over.", why, registry=registry)
        return [
            _Engine(
                {key: each.labels(model, engine) for key, each in gauges.items()},
                {key: each.labels(model, engine) for key, each in counters.items()},
                {key: each.labels(model, engine) for key, each in histograms.items()},
                {reason: ended.labels(model, engine, reason) for reason in _REASONS},
            )
            for engine in map(str, range(count))
        ]

    def _tell_cache(self) -> None:
        """The size of every cache, as routers read it."""
        names = ("engine", "block_size", "num_gpu_blocks")
        info = Gauge("vllm:cache_config_info", "The KV cache.", labelnames=names, registry=self._registry)
        arrays = self._fleet.live.arrays
        for i, engine in enumerate(arrays.engines):
            info.labels(str(i), str(int(arrays.config.block_tokens)), str(int(engine.blocks))).set(1)

    def _count_token(self, answer: Answer) -> None:
        """One more token is out."""
        ticket, (_, counters, histograms, _) = answer.ticket, self._engines[answer.ticket.instance]
        counters["generation"].inc()
        token_us = ticket.token_us[answer.tokens - 1]
        if answer.tokens > 1:
            histograms["itl"].observe((token_us - ticket.token_us[answer.tokens - 2]) / 1e6)
            return
        histograms["ttft"].observe((token_us - ticket.arrival_us) / 1e6)
        histograms["queue"].observe((ticket.scheduled_us - ticket.arrival_us) / 1e6)
        counters["prompt"].inc(ticket.input_tokens)
        counters["queries"].inc(ticket.input_tokens)
        counters["hits"].inc(ticket.cached_tokens)

    def _count_end(self, answer: Answer) -> None:
        """A request is over; who was sent nowhere is no engine's."""
        ticket, (_, _, histograms, ended) = answer.ticket, self._engines[answer.ticket.instance]
        if ticket.instance < 0:
            return
        if not answer.complete:
            ended["abort"].inc()
            return
        ended[answer.finish_reason].inc()
        histograms["e2e"].observe((ticket.token_us[-1] - ticket.arrival_us) / 1e6)
        histograms["prompt_tokens"].observe(ticket.input_tokens)
        histograms["generation_tokens"].observe(ticket.output_tokens)
        if ticket.output_tokens > 1:
            between_us = (ticket.token_us[-1] - ticket.token_us[0]) / (ticket.output_tokens - 1)
            histograms["tpot"].observe(between_us / 1e6)
