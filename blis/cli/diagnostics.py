"""What a command says on stderr beside its results, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass

from blis.stdout import note

#: From the most talkative on; the original's names. Nothing is said at `fatal` and `panic` but the error itself.
LEVELS = ("trace", "debug", "info", "warn", "error", "fatal", "panic")


@dataclass(frozen=True)
class Log:
    """Says what is at least as important as `level`."""

    level: str = "warn"

    def warn(self, text: str) -> None:
        """Something that the user may not have meant."""
        self._say("warn", f"warning: {text}")

    def note(self, text: str) -> None:
        """What was decided in the user's place."""
        self._say("warn", text)

    def info(self, text: str) -> None:
        """What was understood and done."""
        self._say("info", f"info: {text}")

    def _say(self, importance: str, text: str) -> None:
        if LEVELS.index(importance) >= LEVELS.index(self.level):
            note(f"blis: {text}")
