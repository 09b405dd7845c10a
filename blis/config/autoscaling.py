"""How many instances there are, by what they have to do (docs/autoscaling.md)."""

from __future__ import annotations

from dataclasses import dataclass

from blis.config.limits import LONGEST_US, MAX_INSTANCES
from blis.errors import InputError, check_integer, check_number

#: What is looked back on is at most so many looks long.
_MOST_LOOKS = 10_000

#: For how long it looks back.
_SPANS = ("up_window_us", "up_period_us", "down_window_us", "down_period_us")

#: What each instance should have of it.
METRICS = ("queue_depth", "kv_utilization", "busy_utilization", "concurrency", "requests_per_s")


@dataclass(frozen=True)
class Autoscaling:
    """Instances come and go, in the words of the Kubernetes HorizontalPodAutoscaler.

    A target says what each instance should have of a metric; with 0 nobody looks at it.
    """

    minimum: int = 1
    maximum: int = 0  # 0: nobody comes or goes
    queue_depth: float = 0.0  # requests that wait, at the gateway too
    kv_utilization: float = 0.0  # share of its KV blocks in use
    busy_utilization: float = 0.0  # share of the time since the look before that it was in a step
    concurrency: float = 0.0  # requests that wait or run
    requests_per_s: float = 0.0  # that have come since the look before
    tolerance: float = 0.1  # no change while what there is lies so near to the target, as a share of it
    sync_us: int = 15_000_000  # between two looks
    up_window_us: int = 0  # the least that was recommended for so long is enough
    up_instances: int = 4  # the larger of these two is the most that come in a period; both 0: nobody comes
    up_percent: float = 100.0
    up_period_us: int = 15_000_000
    down_window_us: int = 300_000_000  # the most that was recommended for so long is still needed
    down_instances: int = 0  # the larger of these two is the most that go in a period; both 0: nobody goes
    down_percent: float = 100.0
    down_period_us: int = 15_000_000
    drain_us: int = 30_000_000  # whoever goes ends what it has within so long

    def __post_init__(self) -> None:
        """Check the numbers, and that there is something to scale by."""
        check_integer("autoscaling.minimum", self.minimum, 0, MAX_INSTANCES)
        check_integer("autoscaling.maximum", self.maximum, 0, MAX_INSTANCES)
        for name in METRICS:
            most = 1.0 if name.endswith("utilization") else 1e9
            check_number(f"autoscaling.{name}", getattr(self, name), 0, most)
        check_number("autoscaling.tolerance", self.tolerance, 0, 1)
        check_integer("autoscaling.sync_us", self.sync_us, 1, LONGEST_US)
        check_integer("autoscaling.drain_us", self.drain_us, 0, LONGEST_US)
        for way in ("up", "down"):
            check_integer(f"autoscaling.{way}_instances", getattr(self, f"{way}_instances"), 0, MAX_INSTANCES)
            check_number(f"autoscaling.{way}_percent", getattr(self, f"{way}_percent"), 0, 1e6)
        for name in _SPANS:
            check_integer(f"autoscaling.{name}", getattr(self, name), 0, LONGEST_US)

    @property
    def any(self) -> bool:
        """Whether instances may come and go."""
        return self.maximum > 0

    @property
    def targets(self) -> dict[str, float]:
        """The targets that somebody looks at."""
        return {name: getattr(self, name) for name in METRICS if getattr(self, name) > 0}

    def check_cluster(self, gateway: bool) -> None:
        """Raise InputError for what does not go together, and no cluster can keep. gateway: requests wait at one."""
        if not self.any:
            return
        if self.minimum > self.maximum:
            raise InputError(f"autoscaling.minimum is {self.minimum}, above autoscaling.maximum {self.maximum}")
        if self.minimum < self.maximum and not self.targets:
            raise InputError(f"autoscaling needs a target: one of {', '.join(METRICS)}")
        if self.minimum == 0 and not gateway:
            raise InputError("autoscaling.minimum 0 needs flow_control: whoever comes then waits at the gateway")
        for name in _SPANS:
            if getattr(self, name) > _MOST_LOOKS * self.sync_us:
                raise InputError(
                    f"autoscaling.{name} is {getattr(self, name)}, more than {_MOST_LOOKS:,} times autoscaling.sync_us"
                    f" {self.sync_us}: that many looks are not looked back on"
                )
