"""Where the simulator is not to be trusted: what step times stand on, and what the verdict itself doubts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blis.latency.standing import DATASHEET, FITTED, GIVEN, SHIPPED
from search.verdict.report import COMPLETED, stand_on

#: What the state of a latency model means for whoever deploys.
STATES = {
    FITTED: "Step times were fitted to a log of a real server.",
    SHIPPED: "Step times are somebody else's coefficients: nobody here has seen that server.",
    DATASHEET: "Step times follow from data sheets: no server of this model and GPU was measured.",
    GIVEN: "Step times are coefficients of the scenario: nothing here says where they come from.",
}


#: The share of requests that may be completed less before it is told.
SERVED = 0.001


def warnings(verdict: Mapping[str, Any]) -> list[str]:
    """What to keep in mind, the weightiest first."""
    model = verdict.get("latency_model", {})
    found = [f"{doubt[:1].upper()}{doubt[1:].rstrip('.')}." for doubt in verdict.get("doubts", ())]
    if model:
        found.append(f"{STATES.get(model['state'], '')} {_capital(stand_on(model))}.".strip())
    if not verdict.get("reproducible", True):
        found.append("The budget was in seconds: another run of the same configuration may find another policy.")
    return [*found, *_numbers(verdict)]


def _numbers(verdict: Mapping[str, Any]) -> list[str]:
    """What the verdict's own numbers warn of."""
    optimism, load = verdict.get("optimism"), verdict.get("load", {})
    found = _unserved(verdict)
    if optimism is not None and optimism > 0:
        found.append(f"In the search the winner looked {optimism:.3f} better than it is: read no score of the search.")
    if load:
        found.append(
            f"Measured at {load['offered_per_s']:.1f} requests/s on {round(load['instances'], 2):g} instances, where"
            f" {load['waited_share']:.1%} of the requests wait: another load is another question."
        )
    return found


def _unserved(verdict: Mapping[str, Any]) -> list[str]:
    """That latencies are better since fewer requests have any."""
    measured = verdict.get("measured")
    found, primary = (measured[f"{who}_mean"][COMPLETED] for who in ("winner", "primary")) if measured else (0, 0)
    if not primary or found / primary > 1 - SERVED:
        return []
    fewer = f"{1 - found / primary:.1%} fewer requests than {verdict['primary']}"
    return [f"The policy found completes {fewer}: latencies are of those that are completed."]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
