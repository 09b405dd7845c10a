"""Which terms a model has: those that help with requests it has not seen."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from blis.fit.loop import Evidence, find_prices, price
from blis.fit.terms import BASE, OPTIONAL, RAMP, RAMP_TOKENS, Terms

FOLDS = 4
#: A term must lower the loss on folds left out by this share to be let in.
GAIN = 0.04
#: A loss that is as good as none.
EXACT = 1e-3
_MOST_MORE = 2  # optional terms in a model: with three the data of one log do not tell them apart
_MOST_TRIED = 4
_DOWNHILL = 15  # steps a price; the chosen model takes more


def candidates() -> list[Terms]:
    """All models, the simplest first."""
    found = []
    for chosen in product((False, True), repeat=len(OPTIONAL)):
        more = tuple(name for name, there in zip(OPTIONAL, chosen, strict=True) if there)
        if len(more) <= _MOST_MORE:
            found += [Terms((*BASE, *more), tokens) for tokens in (RAMP_TOKENS if RAMP in more else RAMP_TOKENS[:1])]
    return sorted(found, key=lambda terms: len(terms.names))


def choose_terms(evidence: Evidence) -> tuple[Terms, dict[str, float]]:
    """The best terms, and the loss on folds left out of every model that came so far, by its optional terms.

    Models that do not even fit well what they have seen are not held against folds.
    """
    first, *others = candidates()
    fits = {terms: find_prices(evidence, terms, downhill=0).loss for terms in others}
    tried = [first, *sorted(fits, key=lambda terms: _weighed(fits[terms], terms))[:_MOST_TRIED]]
    losses = {terms: _cross_validated(evidence, terms) for terms in tried}
    best = min(losses, key=lambda terms: _weighed(losses[terms], terms))
    return best, {terms.label: value for terms, value in losses.items()}


def _weighed(loss: float, terms: Terms) -> float:
    """A loss with what each term must gain; of two that fit exactly the simpler one is the better."""
    return max(loss, EXACT) * (1 + GAIN) ** len(terms.names)


def _cross_validated(evidence: Evidence, terms: Terms) -> float:
    """The mean loss over folds, each with the prices of the others; a fold is a stretch of the log."""
    return float(np.mean([_of_fold(evidence, terms, fold) for fold in range(FOLDS)]))


def _of_fold(evidence: Evidence, terms: Terms, fold: int) -> float:
    seen, unseen = [], []
    for each in evidence.requests:
        parts = np.array_split(each.rows, FOLDS)
        unseen.append(replace(each, rows=parts[fold]))
        seen.append(replace(each, rows=np.concatenate(parts[:fold] + parts[fold + 1 :])))
    steps_seen, steps_unseen = [], []
    for log in evidence.steps:
        stretch = np.array_split(np.arange(len(log.steps)), FOLDS)
        steps_unseen.append(replace(log, steps=log.steps[stretch[fold]]))
        steps_seen.append(replace(log, steps=log.steps[np.concatenate(stretch[:fold] + stretch[fold + 1 :])]))
    prices = find_prices(Evidence(tuple(seen), tuple(steps_seen)), terms, _DOWNHILL)
    return price(Evidence(tuple(unseen), tuple(steps_unseen)), terms, prices.values).loss
