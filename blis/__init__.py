"""BLIS: a simulator of LLM inference clusters, and the policies that run them.

    scenario = blis.load_scenario("scenario.yaml")
    requests = blis.load_requests("requests.csv")
    result = blis.simulate(scenario, requests)
    result.metrics, result.to_frame()

The names below are read from `blis.api` at first use, so that importing one part does not load the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from blis.api import Result, generate, load_policy, load_requests, load_scenario, simulate

__all__ = ["Result", "generate", "load_policy", "load_requests", "load_scenario", "simulate"]


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module 'blis' has no attribute {name!r}")
    from blis import api

    return getattr(api, name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
