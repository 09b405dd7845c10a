"""Server-sent events on their way through: only whole ones are sent on, so no error stands in the middle of one.

Nothing is read of what they say, but for the end of the stream.
"""

from __future__ import annotations

import re

#: Longer ones are no events of tokens.
_MOST_BYTES = 4 * 1024 * 1024

_END = re.compile(rb"(?>\r\n|\n|\r){2}")
#: An empty one is a comment.
_FIELDS = (b"data", b"", b"event", b"id", b"retry")
_BREAK = re.compile(rb"\r\n|\n|\r")


class MalformedError(ValueError):
    """What came is no stream of events."""


class Events:
    """A stream that comes in pieces of any size."""

    def __init__(self, done: bool = False) -> None:
        """Nothing has come. done: it may end without saying so."""
        self._rest = b""
        self.done = done  # whether the end was said

    def take(self, data: bytes) -> bytes:
        """The events that are whole with another piece. Raises MalformedError."""
        data = self._rest + data
        end = max(data.rfind(b"\n\n"), data.rfind(b"\n\r\n"), data.rfind(b"\r\r"))
        end = _END.match(data, end).end() if end >= 0 else 0  # type: ignore[union-attr]
        whole, self._rest = data[:end], data[end:]
        if len(self._rest) > _MOST_BYTES:
            raise MalformedError(f"an event is longer than {_MOST_BYTES} bytes")
        for event in _END.split(whole):
            self.done = _checked(event) == b"[DONE]" or self.done
        return whole

    def finish(self) -> None:
        """No more comes. Raises MalformedError if the end was not said or is in the middle of an event."""
        if self._rest.strip() or not self.done:
            raise MalformedError("the stream ended before its end")


def _checked(event: bytes) -> bytes:
    """Its data. Raises MalformedError unless it is an event: fields alone, and its data whole."""
    data = b""
    for line in _BREAK.split(event):
        name, colon, value = line.partition(b":")
        if name not in _FIELDS or (line and not colon):
            raise MalformedError("a line of its stream is no field of an event")
        if name == b"data":
            data += value.strip()
    if data and data != b"[DONE]" and not (data.startswith(b"{") and data.endswith(b"}")):
        raise MalformedError("an event of its stream is no JSON object")
    return data
