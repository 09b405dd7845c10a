"""Outputs that depend on their prompts: how often each part of the one goes with each part of the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError, check_number

Coupling = Sequence[Sequence[float]]  # [parts of prompts][parts of outputs] weights, rows count alike

UNEVEN = 0.05  # that parts of the outputs may come more or less often than their lengths say


def check_coupling(name: str, coupling: Coupling) -> None:
    """Check that every part of the prompts has weights, one for each part of the outputs, that sum to more than 0.

    And that all together parts of the outputs come alike, so that outputs keep their lengths.
    """
    if not coupling:
        raise InputError(f"{name}: at least one row is needed")
    for i, row in enumerate(coupling):
        if len(row) != len(coupling[0]):
            raise InputError(f"{name}[{i}]: {len(coupling[0])} weights as in the first row are wanted, got {len(row)}")
        for k, weight in enumerate(row):
            check_number(f"{name}[{i}][{k}]", weight, 0)
        if not sum(row) > 0:
            raise InputError(f"{name}[{i}]: the weights must sum to more than 0")
    if len(coupling) == 1 or len(coupling[0]) == 1:
        raise InputError(f"{name}: one part goes with all; two rows and two columns are the least that says anything")
    often = how_often(coupling)
    worst = int(np.argmax(np.abs(often - 1)))
    if abs(often[worst] - 1) > UNEVEN:
        raise InputError(
            f"{name}: column {worst} has {often[worst]:.3g} times its share of all rows together: outputs would be of"
            " other lengths than their distribution; columns must have the same, rows counted alike"
        )


def how_often(coupling: Coupling) -> NDArray[np.float64]:
    """[parts of outputs] how often each comes, all prompts together, as a multiple of its share in their lengths."""
    weights = np.array(coupling, dtype=np.float64)
    found: NDArray[np.float64] = (weights / weights.sum(axis=1, keepdims=True)).mean(axis=0) * weights.shape[1]
    return found


def coupled_shares(
    coupling: Coupling, prompts: NDArray[np.float64], choice: NDArray[np.float64], inside: NDArray[np.float64]
) -> NDArray[np.float64]:
    """[n] where each output stands among all outputs, in [0, 1).

    prompts: [n] where each prompt stands among all prompts; choice, inside: [n] draws in [0, 1) for the part of the
    output and the place in it.
    """
    upto = np.cumsum(np.array(coupling, dtype=np.float64), axis=1)
    upto /= upto[:, -1:]
    bounds = upto[:, :-1][np.minimum((prompts * len(upto)).astype(np.int64), len(upto) - 1)]
    part = (choice[:, None] >= bounds).sum(axis=1)
    return (part + inside) / upto.shape[1]
