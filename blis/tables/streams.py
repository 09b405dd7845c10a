"""Requests too many to be held at once: tables of some at a time, and what is known of all of them before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.tables.requests import RequestTable


class Chunk(NamedTuple):
    """Some requests that follow each other."""

    first: int  # number of its first row among all rows
    table: RequestTable  # its rows, with the names of all; of content it knows what they share among each other alone
    pattern: NDArray[np.int32]  # [n] row of `RequestStream.patterns` that begins as each prompt does, -1 = none


@dataclass(frozen=True)
class RequestStream:
    """All requests of a run in the order of their arrivals; nobody follows anybody, and nobody has a session.

    patterns: a row for each beginning that several prompts may share, each twice so that it is shared, with the names
    of all classes, tenants and placements. chunks: read once.
    """

    patterns: RequestTable
    chunks: Iterator[Chunk]
