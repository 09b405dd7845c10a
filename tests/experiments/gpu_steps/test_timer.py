"""The timer: warm-up does not count, replays follow each other for long enough, and one slow sample changes nothing."""

import sys
from contextlib import nullcontext
from importlib import import_module
from types import SimpleNamespace

import pytest


class Gpu:
    """Stands for PyTorch and a GPU: replays of a graph take so many µs, and every launch of many some more."""

    def __init__(self, replay_us: float) -> None:
        self.replay_us, self.now_us, self.calls, self.replays, self.slow = replay_us, 0.0, 0, [], None
        gpu = self

        class Graph:
            def replay(self):
                gpu.now_us += gpu.replay_us
                gpu.replays[-1] += 1

        class Event:
            def __init__(self, enable_timing):
                assert enable_timing

            def record(self):
                self.us = gpu.now_us
                gpu.replays.append(0)
                gpu.now_us += 10 if len(gpu.replays) != gpu.slow else 1e6

            def synchronize(self):
                pass

            def elapsed_time(self, other):
                return (other.us - self.us) / 1000

        stream = SimpleNamespace(wait_stream=lambda other: None)
        self.cuda = SimpleNamespace(
            Stream=lambda: stream,
            current_stream=lambda: stream,
            stream=lambda stream: nullcontext(),
            CUDAGraph=Graph,
            graph=lambda graph: nullcontext(),
            Event=Event,
        )

    def run(self) -> None:
        self.calls += 1


@pytest.fixture
def timed(monkeypatch):
    def call(gpu: Gpu) -> float:
        monkeypatch.setitem(sys.modules, "torch", gpu)
        monkeypatch.delitem(sys.modules, "experiments.gpu_steps.timer", raising=False)
        return import_module("experiments.gpu_steps.timer").gpu_us(gpu.run)

    yield call
    sys.modules.pop("experiments.gpu_steps.timer", None)


@pytest.mark.parametrize("us", [3.0, 200.0, 50_000.0])
def test_it_is_what_one_replay_takes(timed, us):
    gpu = Gpu(us)
    assert timed(gpu) == pytest.approx(us, rel=0.03)
    assert gpu.calls > 1  # once for the graph, and before that to warm up


def test_one_slow_sample_changes_nothing(timed):
    gpu = Gpu(200.0)
    gpu.slow = 7  # an event in the middle
    assert timed(gpu) == pytest.approx(200.0, rel=0.01)


def test_short_steps_are_replayed_many_times_and_long_ones_few(timed):
    short, long = Gpu(100.0), Gpu(50_000.0)
    timed(short), timed(long)
    assert max(short.replays) >= 50 and max(long.replays) == 1
