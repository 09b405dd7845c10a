"""Where requests come from and what they consist of: kept for reports and files, never seen by a server or a policy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.tables.network import Network

#: What a prompt may have besides text.
MODALITIES = ("image", "audio", "video")


@dataclass(frozen=True)
class Origin:
    """One row a request; the arrays are read-only.

    client_names, streaming and networks are in the order of the clients; a population is one of them.
    """

    client: NDArray[np.int32]  # [n] index into client_names
    client_names: tuple[str, ...]
    streaming: tuple[bool, ...]
    networks: tuple[Network, ...]
    modality_tokens: NDArray[np.int64] | None = None  # [n, 3] of image, audio, video; the rest of the prompt is text
    reason_ratio: NDArray[np.float64] | None = None  # [n] share of the output that is reasoning

    def take(self, rows: slice | NDArray[Any]) -> Origin:
        """Those of some rows."""
        columns = {name: getattr(self, name) for name in ("client", "modality_tokens", "reason_ratio")}
        return replace(self, **{name: column[rows] for name, column in columns.items() if column is not None})
