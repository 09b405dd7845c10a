"""Outputs that depend on their prompts: how often each part of the one goes with each part of the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError, check_number

Coupling = Sequence[Sequence[float]]  # [parts of prompts][parts of outputs] weights, rows count alike


def check_coupling(name: str, coupling: Coupling) -> None:
    """Check that every part of the prompts has weights, one for each part of the outputs, that sum to more than 0."""
    if not coupling:
        raise InputError(f"{name}: at least one row is needed")
    for i, row in enumerate(coupling):
        if len(row) != len(coupling[0]):
            raise InputError(f"{name}[{i}]: {len(coupling[0])} weights as in the first row are wanted, got {len(row)}")
        for k, weight in enumerate(row):
            check_number(f"{name}[{i}][{k}]", weight, 0)
        if not sum(row) > 0:
            raise InputError(f"{name}[{i}]: the weights must sum to more than 0")


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
