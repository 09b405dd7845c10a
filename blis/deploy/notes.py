"""What people must know of a file that was made from another: where it is only nearly the same, what it leaves out."""

from __future__ import annotations


class Notes(list[str]):
    """Lines in the order of their discovery, each once."""

    def add(self, note: str) -> None:
        """One more, unless it was said already."""
        if note not in self:
            self.append(note)
