"""The specification of a twin: its requests are like those of a table, one client for conversations, one for others."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError
from blis.sums import total
from blis.tables.requests import RequestTable
from blis.workload.draw.senders import Client
from blis.workload.draw.sessions import Reasoning
from blis.workload.draw.spec import WorkloadSpec
from blis.workload.profile.arrivals import Arrivals, fit_arrivals
from blis.workload.profile.lengths import fit_lengths
from blis.workload.profile.sessions import Rounds, fit_sessions, lengthens, own_tokens, shared_part
from blis.workload.profile.sharing import fit_reuse
from blis.workload.subset import keep_rows

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
    starts_us = table.opened_us[rounds.opens]
    senders = _senders(table, rounds)
    kinds = {name: keep_rows(table, rows) for name, rows in senders.items()}
    found = {name: fit_arrivals(kind.opened_us[Rounds.of(kind).opens], starts_us) for name, kind in kinds.items()}
    rate = total(arrivals.rate for arrivals in found.values())
    clients = (_client(name, kind, found[name], rate, accumulated) for name, kind in kinds.items())
    spec = WorkloadSpec(
        version="2",
        name=name,
        aggregate_rate=round(rate, 6),
        clients=tuple(clients),
        reuse=fit_reuse(table, rounds.opens | (not accumulated), senders),
    )
    said = (_left_out(table, kinds.values(), spec), _left_out_of_sessions(table, spec, rounds, accumulated, carried))
    return Profile(spec, tuple(chain.from_iterable(said)))


def _senders(table: RequestTable, rounds: Rounds) -> dict[str, NDArray[np.bool_]]:
    """[n] by the name of a client, whether it stands for a request: one for conversations, one for all others.

    If there are too few of either, one for all.
    """
    talks = table.session >= 0
    starts_us = [table.opened_us[rows & rounds.opens] for rows in (talks, ~talks)]
    if rounds.sizes.max() == 1 or any(len(times) < FEWEST or times[0] == times[-1] for times in starts_us):
        return {"twin": np.ones(len(table), np.bool_)}
    return {"conversations": talks, "singles": ~talks}


def _client(name: str, table: RequestTable, arrivals: Arrivals, rate: float, accumulated: bool) -> Client:
    """Who sends requests like those of a table; rate: of all who send, accumulated: whether conversations grow."""
    rounds = Rounds.of(table)
    lengths = fit_lengths(own_tokens(table, rounds, accumulated), table.output_tokens, rounds.opens)
    multi_turn = fit_sessions(table, rounds, accumulated, lengths.first_inputs)
    return Client(
        id=name,
        tenant_id=_only(table.tenant_names, table.tenant),
        slo_class=_only(table.slo_names, table.slo_class) or UNNAMED,
        rate_fraction=round(arrivals.rate / rate, 6),
        arrival=arrivals.arrival,
        rate_over_time=arrivals.rates,
        input_distribution=lengths.inputs,
        output_distribution=lengths.outputs,
        length_coupling=lengths.coupling,
        reasoning=None if multi_turn is None else Reasoning(multi_turn=multi_turn),
        closed_loop=None if multi_turn is None else table.closed,
    )


def _only(names: tuple[str, ...], codes: NDArray[np.integer]) -> str:
    """The name that all rows have, if it is one."""
    return names[codes[0]] if codes.min() == codes.max() else ""


def _left_out(table: RequestTable, kinds: Collection[RequestTable], spec: WorkloadSpec) -> list[str]:
    """What the twin is silent about; kinds: the requests of each of its clients."""
    lines = ["lengths inside a bin, longer tails than the mean of the last bin", "order of gaps and of lengths in time"]
    if table.slo_names == ("",):
        lines.append(f"classes: the trace names none, all are {UNNAMED}")
    if spec.reuse is not None:
        lines.append("which prompts share: only how far, and after how many others")
    for what, names, column in (("classes", table.slo_names, "slo_class"), ("tenants", table.tenant_names, "tenant")):
        if any(np.ptp(getattr(kind, column)) for kind in kinds):
            lines.append(f"{what} ({len(names)})")
    if table.placement is not None:
        lines.append("which instances requests may run on")
    if table.adapter is not None:
        lines.append(f"LoRA adapters ({len(table.adapter_names)})")
    if not np.all(table.output_tokens):
        lines.append(f"outputs of 0 tokens ({int((table.output_tokens == 0).sum())}), which have 1")
    return lines


def _left_out_of_sessions(
    table: RequestTable, spec: WorkloadSpec, rounds: Rounds, accumulated: bool, carried: float
) -> Iterator[str]:
    """The same of conversations, if there are any."""
    if rounds.sizes.max() == 1:
        return
    if len(spec.clients) == 1 and (table.session < 0).any():
        yield f"which requests are of conversations: of them or of others there are less than {FEWEST}"
    yield "what round an output, a pause or a prompt after the first belongs to"
    if accumulated and carried < 1:
        yield f"what rounds do not share with those before: {1 - carried:.1%} of it; they begin with all that was said"
    if not accumulated and carried:
        yield f"that rounds share {carried:.1%} of what was said before: they are like prompts of any two sessions"
    if not accumulated and lengthens(table, rounds):
        yield "that prompts grow from round to round: what is said before them is not what they begin with"
