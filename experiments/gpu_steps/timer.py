"""How long the GPU takes for what a function starts: medians between CUDA events, from a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from statistics import median

import torch

WARM_UP = 3
SAMPLES = 7
#: A sample is so long that the launch of its first graph does not count, but never of more graphs than that.
SAMPLE_US, MOST_REPLAYS = 10_000.0, 200


def gpu_us(run: Callable[[], object]) -> float:
    """Median µs of one call. Its kernels come from a graph, so that the host is never waited for."""
    graph = _captured(run)
    replays = min(max(ceil(SAMPLE_US / max(_sample_us(graph, 1), 1.0)), 1), MOST_REPLAYS)
    return median(_sample_us(graph, replays) for _ in range(SAMPLES))


def _captured(run: Callable[[], object]) -> torch.cuda.CUDAGraph:
    """A graph of one call, after calls on another stream that load kernels and choose among them."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph


def _sample_us(graph: torch.cuda.CUDAGraph, replays: int) -> float:
    """Mean µs of replays that follow each other."""
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    for _ in range(replays):
        graph.replay()
    end.record()
    end.synchronize()
    return 1000 * begin.elapsed_time(end) / replays
