"""The search for better policies: candidates, scores, drivers, and the proof that a winner wins.

    problem = search.compose_settings(["workload=chat_bursty"]).problem     # or a Problem of your own
    search.evaluate("policy.yaml", problem).fitness                         # as the drivers see it

In come the settings of conf/; out come a verdict and a run folder. Read `__main__.py` first (the flow, one line an
arrow), then `problem/` (the question), `running/` (the score) and `verdict/` (the proof).
The names below are read at first use, so that importing one part does not load the engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.application import compose_settings
    from search.problem.problem import Problem
    from search.running.evaluation import Evaluation
    from search.running.evaluator import evaluate

__all__ = ["Evaluation", "Problem", "compose_settings", "evaluate"]

_HOMES = {
    "Evaluation": "search.running.evaluator",
    "Problem": "search.problem.problem",
    "compose_settings": "search.application",
    "evaluate": "search.running.evaluator",
}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'search' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
