"""Server-sent events: bytes, cut wherever the network cuts them, to the data of whole events."""

from __future__ import annotations

#: Bytes of one event, or of a line that does not end; more than any server sends for a token.
LONGEST_BYTES = 1 << 20

_BOM = b"\xef\xbb\xbf"


class TooLongError(Exception):
    """An event, or a line, of more bytes than LONGEST_BYTES."""


class Events:
    """A stream so far. Lines end in LF, CRLF or CR; comments and fields other than `data` say nothing here."""

    def __init__(self) -> None:
        """Of a stream that begins."""
        self._line = b""  # the beginning of one that has not ended
        self._data: list[bytes] = []  # lines of an event that has not ended
        self._after_cr = False
        self._begun = False

    def feed(self, data: bytes) -> list[str]:
        """The data of the events that end in these bytes. Raises TooLongError."""
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if data:
            self._after_cr = data.endswith(b"\r")
        *lines, self._line = (self._line + data).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        found = [event for line in lines if (event := self._take(line)) is not None]
        if len(self._line) + sum(map(len, self._data)) > LONGEST_BYTES:
            raise TooLongError(f"an event of more than {LONGEST_BYTES} bytes")
        return found

    def end(self) -> list[str]:
        """The data of an event that nothing ended but the end of the stream."""
        return self.feed(b"\n\n")

    def _take(self, line: bytes) -> str | None:
        """The data of the event that a line ends, if it ends one that has any."""
        if not self._begun:
            line, self._begun = line.removeprefix(_BOM), True
        if line:
            name, _, value = line.partition(b":")
            if name == b"data":
                self._data.append(value.removeprefix(b" "))
            return None
        event, self._data = self._data, []
        return b"\n".join(event).decode(errors="replace") if event else None
