"""What a latency model stands on: measurements of its own, somebody's table, or data sheets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from blis.errors import InputError
from blis.latency.table import coefficient_table

if TYPE_CHECKING:
    from blis.config import LatencyModel

FITTED, SHIPPED, DATASHEET, GIVEN = "fitted", "shipped", "datasheet", "given"

#: What an error is of: measured, of E2E or of single steps, on what a fit did not see; or expected, of E2E.
E2E, STEP, EXPECTED = "e2e", "step", "expected"

#: Mean error of E2E in percent that is to be expected where nothing was fitted: docs/accuracy.md, the logs of real
#: servers there, and twice that for coefficients that somebody else fitted to a server that nobody here has seen.
DATASHEET_ERROR, UNKNOWN_ERROR = 10.0, 20.0


_NAMES = {E2E: "E2E", STEP: "steps"}


class Standing(NamedTuple):
    """state: FITTED, SHIPPED, DATASHEET or GIVEN. n: requests or steps behind it, 0 if not known.

    not_told: parameters that the log behind it says nothing of. error_of: E2E, STEP or EXPECTED.
    """

    state: str
    source: str
    error_percent: float
    n: int = 0
    not_told: Sequence[str] = ()
    error_of: str = E2E

    def __str__(self) -> str:
        """In one line."""
        expected = f"expect an error of about {self.error_percent:.0f} %"
        if self.state != FITTED:
            return f"{self.state}: {self.source}; {expected}"
        measured = f"{_NAMES.get(self.error_of)} off by {self.error_percent:.1f} % on what the fit did not see"
        error = measured if self.error_of in _NAMES else f"nothing held out; {expected}"
        open_ends = f"; not told by the log: {', '.join(self.not_told)}" if self.not_told else ""
        return f"fitted to {self.source}; {error}{open_ends}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `not_told` only where something is not."""
        found = self._asdict() | {"not_told": list(self.not_told)}
        return {key: value for key, value in found.items() if value != []}


def standing(model: LatencyModel) -> Standing:
    """Of a latency model."""
    if model.fitted is not None:
        errors = model.fitted.error
        measured = next((name for name in _NAMES if f"{name}_mape" in errors), EXPECTED)
        error = errors.get(f"{measured}_mape", UNKNOWN_ERROR)
        return Standing(FITTED, model.fitted.source, error, model.fitted.n, model.fitted.not_told, measured)
    if model.roofline is not None:
        sheets = f"{model.kind} of {model.model or 'a model'} on {model.gpu or 'a GPU'}"
        return Standing(DATASHEET, sheets, DATASHEET_ERROR, error_of=EXPECTED)
    shipped = _shipped(model)
    if shipped:
        return Standing(SHIPPED, shipped, UNKNOWN_ERROR, error_of=EXPECTED)
    return Standing(GIVEN, "coefficients of the scenario", UNKNOWN_ERROR, error_of=EXPECTED)


def _shipped(model: LatencyModel) -> str:
    """Where coefficients of the table come from, "" if these are none."""
    if model.kind != "blackbox" or not model.model:
        return ""
    try:
        entry = coefficient_table().find(model.model, model.gpu, model.tp)
    except InputError:
        return ""
    if (entry.alpha, entry.beta) != (model.alpha, model.beta):
        return ""
    return f"inference-sim's coefficients for {entry.model} on {entry.gpu}, tp {entry.tp}, vLLM {entry.vllm}"
