"""Where compiled kernels are kept between processes: beside the code, or where the user may write."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

#: numba's own variable; who sets it wants nothing anywhere else.
VARIABLE = "NUMBA_CACHE_DIR"


@cache
def cache_root() -> Path | None:
    """The folder for them, None if there is none: then every process compiles its own."""
    given = os.environ.get(VARIABLE)
    places = [Path(given)] if given else [Path(__file__).parents[1] / "__pycache__", _of_the_user()]
    return next((place for place in places if _writable(place)), None)


def _of_the_user() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "blis"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
