"""Keys that would change nothing where they stand; each is refused by its place, so that nobody takes it for heard.

Only those that need more than one part of a specification are here: each part looks to its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from blis.errors import InputError
from blis.workload.draw.arrivals import WITHOUT_CV
from blis.workload.draw.rates import RateOverTime
from blis.workload.draw.senders import Client, Population

RATES = "rate_over_time"


def check_effects(senders: Mapping[str, Client | Population], rates: RateOverTime | None) -> None:
    """Raise InputError for a key without effect. senders: by their places; rates: of all who have none of their own."""
    for place, sender in senders.items():
        if sender.closed_loop is not None and sender.multi_turn is None:
            raise InputError(f"{place}.closed_loop: needs reasoning.multi_turn, only conversations wait for answers")
        if sender.rate_over_time is not None:
            _check_rates(f"{place}.{RATES}", sender.rate_over_time, [sender], empty=rates is not None)
    if len(senders) == 1 and isinstance(only := senders.get("population"), Population) and only.rate_fraction:
        raise InputError("population.rate_fraction: a weight beside clients, of which there are none")
    if rates is not None:
        takers = [sender for sender in senders.values() if sender.rate_over_time is None]
        if senders and not takers:
            raise InputError(f"{RATES}: all who send have their own")
        _check_rates(RATES, rates, takers, empty=False)


def _check_rates(place: str, rates: RateOverTime, takers: list[Client | Population], *, empty: bool) -> None:
    """Check that rates change, unless they may be `empty`, and that their variation does where it is said to."""
    if rates == RateOverTime() and not empty:
        raise InputError(f"{place}: stages, diurnal or spikes must be given")
    processes = sorted({taker.arrival.process for taker in takers})
    if processes and set(processes) <= set(WITHOUT_CV):
        for i, stage in enumerate(rates.stages):
            if stage.cv_factor is not None:
                without = " and ".join(processes)
                raise InputError(f"{place}.stages[{i}].cv_factor: process {without} has no cv that it could change")
