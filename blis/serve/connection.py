"""A client's connection: how long it may be idle is how long it may take until the headers of a request are here."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class Connection(H11Protocol):
    """uvicorn's, which is closed too if nothing, or half of the headers, or what nobody reads, is all that comes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The time begins."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        super().connection_lost(exc)
        if self.timeout_keep_alive_task:
            self.timeout_keep_alive_task.cancel()

    def _unset_keepalive_if_required(self) -> None:
        """Called whenever something comes: only a request to answer ends the time."""
        if self.conn.our_state is h11.SEND_RESPONSE:
            super()._unset_keepalive_if_required()
