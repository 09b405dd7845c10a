"""What was seen in figures, by the definitions of docs/observe.md: latencies of answers that came whole, and rates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from blis.errors import check_choice
from blis.evaluation.distribution import US_PER_MS, Distribution, distribution
from blis.observe.record import Observed
from blis.observe.seen import ERROR, OK, TIMEOUT, Seen
from blis.tables.requests import RequestTable
from blis.text import aligned

if TYPE_CHECKING:
    from blis.sizing.sizing import Promise

_LATE_MS = 10.0  # from here on the load was not quite what the workload says

#: How percentiles and gaps are meant, beside the numbers.
METHOD = "percentiles: linear between ranks; ITL: all gaps between chunks with text, of all answers together"


class Figures(NamedTuple):
    """Of a run; latencies in ms, of whole answers. Rates are a second, from the first request sent to the last text."""

    counts: dict[str, int]
    seconds: float
    rates: dict[str, float]
    latencies: dict[str, Distribution]
    dispatch: dict[str, Distribution]
    tokens: dict[str, float]
    good: int | None

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        found: dict[str, Any] = {"requests": self.counts, "seconds": self.seconds, **self.rates}
        for name, figures in (self.latencies | self.dispatch).items():
            found |= figures.flat(name)
        goodput = {} if self.good is None else {"good_requests": self.good}
        return found | {"tokens": self.tokens} | goodput | {"method": METHOD}


def figures(observed: Observed, promises: Mapping[str, Promise]) -> Figures:
    """The figures of a run. promises: by class, {} = nothing was promised."""
    sent = [one for one in observed.seen if one.sent_us >= 0]
    whole = [one for one in sent if one.ok]
    start_us, end_us = min((one.sent_us for one in sent), default=0), max((one.ended_us for one in sent), default=0)
    seconds = (end_us - start_us) / 1e6
    good = _good(observed, promises) if promises else None
    totals = {
        "requests_per_s": len(whole),
        "output_tokens_per_s": sum(one.output_tokens for one in whole),
        "input_tokens_per_s": sum(one.input_tokens or 0 for one in whole),
    } | ({} if good is None else {"goodput_per_s": good})
    return Figures(
        counts=_counts(observed),
        seconds=seconds,
        rates={name: total / seconds if seconds > 0 else 0.0 for name, total in totals.items()},
        latencies=_latencies(whole, observed.streamed),
        dispatch={
            "dispatch_late": _of(one.ready_us - one.due_us for one in sent),
            "waited_for_others": _of(one.sent_us - one.ready_us for one in sent),
        },
        tokens=_tokens(observed),
        good=good,
    )


def report_text(found: Figures) -> str:
    """The figures as tables."""
    counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in found.counts.items())
    rates = [
        (name.removesuffix("_per_s").replace("_", " ") + "/s", f"{rate:.4g}") for name, rate in found.rates.items()
    ]
    tokens = [(name.replace("_", " "), f"{value:.5g}") for name, value in found.tokens.items()]
    head = aligned([("requests", counts), ("seconds", f"{found.seconds:.3f}"), *rates, *tokens])
    columns = ("ms", "count", "mean", "p50", "p90", "p95", "p99", "max")
    rows = [_row(name, each) for name, each in (found.latencies | found.dispatch).items()]
    return "\n\n".join([head, aligned([columns, *rows], right=range(1, 8)), METHOD])


def doubts(observed: Observed, found: Figures) -> Iterator[str]:
    """What a reader of the figures should know."""
    errors = Counter(one.error for one in observed.seen if not one.ok)
    for error, count in errors.most_common(3):
        yield f"{count} requests without a whole answer: {error}"
    late = found.dispatch["dispatch_late"]
    if late.p99 > _LATE_MS:
        yield (
            f"requests went out up to {late.max:.0f} ms late (p99 {late.p99:.0f} ms): this program or its machine was"
            " too busy, and the load was not quite the workload's"
        )
    whole = [one for one in observed.seen if one.ok]
    chunks, tokens = sum(len(one.chunk_us) for one in whole), sum(one.output_tokens for one in whole)
    if observed.streamed and tokens > chunks:
        yield f"{tokens} tokens came in {chunks} chunks: ITL is between chunks, TPOT between tokens"


def _counts(observed: Observed) -> dict[str, int]:
    statuses = Counter(one.status for one in observed.seen)
    return {
        **{status: statuses[status] for status in (OK, ERROR, TIMEOUT)},
        "not_sent": sum(one.sent_us < 0 for one in observed.seen),
        "tried_again": sum(one.tries > 1 for one in observed.seen),
        "warm_up": observed.warmed_up,
    }


def _latencies(whole: list[Seen], streamed: bool) -> dict[str, Distribution]:
    """Of an answer in one piece only the end is known."""
    e2e = {"e2e": _of(one.chunk_us[-1] - one.sent_us for one in whole)}
    if not streamed:
        return e2e
    gaps = [np.diff(one.chunk_us) for one in whole]
    return {
        "ttft": _of(one.chunk_us[0] - one.sent_us for one in whole),
        "itl": distribution(np.concatenate(gaps) if gaps else np.zeros(0)),
        "tpot": _of(_tpot_us(one) for one in whole if one.output_tokens > 1),
        **e2e,
    }


def _tpot_us(one: Seen) -> float:
    return (one.chunk_us[-1] - one.chunk_us[0]) / max(one.output_tokens - 1, 1)


def _tokens(observed: Observed) -> dict[str, float]:
    """How far prompts and answers are from what the workload asks for."""
    pairs = zip(observed.seen, observed.table.input_tokens.tolist(), observed.table.output_tokens.tolist(), strict=True)
    whole = [(seen, asked_in, asked_out) for seen, asked_in, asked_out in pairs if seen.ok]
    counted = [(seen.input_tokens, asked) for seen, asked, _ in whole if seen.input_tokens is not None]
    return {
        "prompts_counted": len(counted),
        "prompts_of_another_length": sum(found != asked for found, asked in counted),
        "prompt_tokens_off_at_most": max((abs(found - asked) for found, asked in counted), default=0),
        "answers_of_another_length": sum(seen.output_tokens != asked for seen, _, asked in whole),
    }


def _good(observed: Observed, promises: Mapping[str, Promise]) -> int:
    """Whole answers that kept the promise of their class; a class without one is content with any."""
    names = _classes(observed.table)
    classes = [names[number] for number in observed.table.slo_class.tolist()]
    return sum(one.ok and _keeps(one, promises.get(name)) for one, name in zip(observed.seen, classes, strict=True))


def check_promises(table: RequestTable, promises: Mapping[str, Promise]) -> None:
    """Raise InputError for a promise to a class of which there is no request."""
    for name in promises:
        check_choice("SLO class of the requests", name, _classes(table))


def _classes(table: RequestTable) -> list[str]:
    return [name or "default" for name in table.slo_names]


def _keeps(one: Seen, promise: Promise | None) -> bool:
    if promise is None:
        return True
    ttft_ms, tpot_ms = (one.chunk_us[0] - one.sent_us) / US_PER_MS, _tpot_us(one) / US_PER_MS
    return ttft_ms <= promise.ttft_ms and (promise.tpot_ms is None or tpot_ms <= promise.tpot_ms)


def _of(values: Any) -> Distribution:
    return distribution(np.array(list(values), np.float64))


def _row(name: str, each: Distribution) -> tuple[str, ...]:
    figures = (each.mean, each.p50, each.p90, each.p95, each.p99, each.max)
    return (name.replace("_", " "), str(each.count), *(f"{value:.3f}" if each.count else "-" for value in figures))
