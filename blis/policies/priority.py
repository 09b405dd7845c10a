"""Priority policies: how urgent a waiting request is (docs/policies.md section 5).

Every policy grows with the same slope for all requests, so the order never changes while they wait; what
a policy gives here is the part that does not depend on the time. Called once a run, on whole columns; in a closed
loop at every arrival, compiled, on the numbers of one request.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from blis.policies.registry import Bounds, Registry

#: `columns` has arrival_us, input_tokens (int64), class_priority, class_weight, ttft_us (float64), [n] each.
PRIORITIES = Registry("priority policy", "columns", ("class",))

Column = NDArray[Any]


@PRIORITIES.register("constant")
def constant(columns: Any) -> Column:
    """All equal."""
    return 0.0 * columns.arrival_us


@PRIORITIES.register("slo-based")
def slo_based(columns: Any) -> Column:
    """Age alone, the original's name notwithstanding."""
    return -columns.arrival_us / 1e6


@PRIORITIES.register("inverted-slo", pathological=True)
def inverted_slo(columns: Any) -> Column:
    """The youngest first (for tests)."""
    return columns.arrival_us / 1e6


@PRIORITIES.register("class-age", reads=("class",), age_per_s=Bounds(0, 1e6, log=True, default=0.1, span=(0.001, 100)))
def class_age(age_per_s: float, columns: Any) -> Column:
    """The class's priority plus a weight times age."""
    return columns.class_priority - age_per_s * columns.arrival_us / 1e6


@PRIORITIES.register(
    "slo-tiers", reads=("class",), boost_per_minute=Bounds(0, 1e6, log=True, default=1, span=(0.05, 5000))
)
def slo_tiers(boost_per_minute: float, columns: Any) -> Column:
    """The tier's weight times its priority, plus a boost for every minute waited."""
    return columns.class_weight * columns.class_priority - boost_per_minute * columns.arrival_us / 60e6


@PRIORITIES.register("deadline", reads=("class",))
def deadline(columns: Any) -> Column:
    """Earliest deadline first: arrival plus the class's TTFT target."""
    return -(columns.arrival_us + columns.ttft_us) / 1e6


@PRIORITIES.register("slack", reads=("class",), prefill_us_token=Bounds(0, 1e6, log=True, default=20, span=(1, 200)))
def slack(prefill_us_token: float, columns: Any) -> Column:
    """Least slack first: time to the deadline less what the prompt's prefill will take."""
    return -(columns.arrival_us + columns.ttft_us - prefill_us_token * columns.input_tokens) / 1e6
