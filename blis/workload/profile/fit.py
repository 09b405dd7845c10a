"""The specification of a twin: one client whose requests are like those of a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from blis.errors import InputError
from blis.tables.requests import RequestTable
from blis.workload.draw.senders import Client
from blis.workload.draw.sessions import Reasoning
from blis.workload.draw.spec import WorkloadSpec
from blis.workload.profile.arrivals import fit_arrivals
from blis.workload.profile.lengths import fit_lengths
from blis.workload.profile.sessions import Rounds, fit_sessions, lengthens, own_tokens, shared_part
from blis.workload.profile.sharing import fit_reuse

NEARLY_ALL = 0.8  # of what was said before in a session; where rounds share less, each is like a request of its own
FEWEST = 50  # requests, or conversations, of which there is a profile
UNNAMED = "standard"  # the class of requests that have none: a search wants a name


class Profile(NamedTuple):
    """A twin, and what of the trace it does not carry, a line each."""

    spec: WorkloadSpec
    left_out: tuple[str, ...]


def profile(table: RequestTable, name: str) -> Profile:
    """The specification. Raises InputError if requests have no rate, or are too few to hide one of them."""
    rounds = Rounds.of(table)
    if len(rounds.sizes) < FEWEST:
        what = "requests" if rounds.sizes.max(initial=1) == 1 else "conversations"
        raise InputError(f"{len(rounds.sizes)} {what} are too few for a profile that tells of none; it takes {FEWEST}")
    carried = shared_part(table, rounds)
    accumulated = carried > NEARLY_ALL
    arrivals = fit_arrivals(table.opened_us[rounds.opens])
    lengths = fit_lengths(own_tokens(table, rounds, accumulated), table.output_tokens)
    multi_turn = fit_sessions(table, rounds, accumulated)
    client = Client(
        id="twin",
        tenant_id=_only(table.tenant_names),
        slo_class=_only(table.slo_names) or UNNAMED,
        rate_fraction=1.0,
        arrival=arrivals.arrival,
        rate_over_time=arrivals.rates,
        input_distribution=lengths.inputs,
        output_distribution=lengths.outputs,
        length_coupling=lengths.coupling,
        reasoning=None if multi_turn is None else Reasoning(multi_turn=multi_turn),
        closed_loop=None if multi_turn is None else table.closed,
    )
    spec = WorkloadSpec(
        version="2",
        name=name,
        aggregate_rate=round(arrivals.rate, 6),
        clients=(client,),
        reuse=fit_reuse(table, rounds.opens | (not accumulated)),
    )
    return Profile(spec, (*_left_out(table, spec), *_left_out_of_sessions(table, rounds, accumulated, carried)))


def _only(names: tuple[str, ...]) -> str:
    """The name if there is but one."""
    return names[0] if len(names) == 1 else ""


def _left_out(table: RequestTable, spec: WorkloadSpec) -> list[str]:
    """What the twin is silent about."""
    lines = ["lengths inside a bin, longer tails than the mean of the last bin", "order of gaps and of lengths in time"]
    if table.slo_names == ("",):
        lines.append(f"classes: the trace names none, all are {UNNAMED}")
    if spec.reuse is not None:
        lines.append("which prompts share: only how far, and after how many others")
    for what, names in (("classes", table.slo_names), ("tenants", table.tenant_names)):
        if len(names) > 1:
            lines.append(f"{what} ({len(names)})")
    if table.placement is not None:
        lines.append("which instances requests may run on")
    if not np.all(table.output_tokens):
        lines.append(f"outputs of 0 tokens ({int((table.output_tokens == 0).sum())}), which have 1")
    return lines


def _left_out_of_sessions(table: RequestTable, rounds: Rounds, accumulated: bool, carried: float) -> Iterator[str]:
    """The same of conversations, if there are any."""
    if rounds.sizes.max() == 1:
        return
    yield "what round a length or a pause belongs to"
    if accumulated and carried < 1:
        yield f"what rounds do not share with those before: {1 - carried:.1%} of it; they begin with all that was said"
    if not accumulated and carried:
        yield f"that rounds share {carried:.1%} of what was said before: they are like prompts of any two sessions"
    if not accumulated and lengthens(table, rounds):
        yield "that prompts grow from round to round: what is said before them is not what they begin with"
