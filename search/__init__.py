"""The search for better policies: candidates, scores, drivers, and the proof that a winner wins.

    problem = compose_settings(["workload=chat_bursty"]).problem     # from search.settings; or a Problem of your own
    search.evaluate("policy.yaml", problem).fitness                  # as the drivers see it

Start with `search.__main__` (the flow), `search.problem` (the question) and `search.evaluation` (the score).
The names below are read at first use, so that importing one part does not load the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.evaluation import Evaluation, evaluate
    from search.problem import Problem

__all__ = ["Evaluation", "Problem", "evaluate"]


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module 'search' has no attribute {name!r}")
    from search import evaluation, problem

    return getattr(problem if name == "Problem" else evaluation, name)
