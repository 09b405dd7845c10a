"""What is wrong with an override, for people who do not know Hydra's grammar: where it stops, and how to quote."""

from __future__ import annotations

import difflib
import shlex

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException

from blis.errors import one_line

#: Words that may stand in front of all overrides, and are none.
COMMANDS = ("compare",)

LONGEST = 300  # letters of an override that are repeated


def override_problem(error: OverrideParseException) -> str:
    """One line: the override, the character at which Hydra stops, its words, and the override with quotes."""
    override = error.override
    if "=" not in override and not override.startswith("~"):
        near = difflib.get_close_matches(override, COMMANDS, n=1)
        meant = f" (did you mean the command {near[0]!r}?)" if near else ""
        return f"{_cut(override)}: an override is key=value{meant}"
    problem = one_line(error.message.split("\nSee https")[0].removeprefix(f"Error parsing override '{override}'"))
    at = _stops_at(override)
    if at is not None and at < len(override):
        problem = "" if "^" in problem else f": {problem}"  # what its arrow points to is said in words
        problem = f"character {at + 1}, {override[at]!r}, cannot be read{problem}"
    return f"{_cut(override)}: {_cut(problem)}{_quoted(override)}"


def _cut(text: str) -> str:
    """As much of a text as a line may repeat."""
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _stops_at(override: str) -> int | None:
    """The place of the first character that Hydra's grammar does not take, None if it is not known."""
    try:
        OverridesParser.create().parse_override(override)
    except HydraException as error:
        start = getattr(error.__cause__, "startIndex", None)  # of the lexer
        token = getattr(error.__cause__, "offendingToken", None)  # of the parser
        return start if token is None else int(token.start)
    return None


def _quoted(override: str) -> str:
    """How the same is written as a text, for Hydra and for the shell."""
    key, equals, value = override.partition("=")
    if len(override) > LONGEST or not equals or not key.strip("+~@/.").replace(".", "").replace("_", "").isalnum():
        return ""
    text = value.strip("'\"").replace("\\", "\\\\").replace('"', '\\"')
    in_shell = shlex.quote(f'{key}="{text}"')
    return f"; a text with such characters needs quotes: {in_shell}"
