"""A format of recorded traffic: CSV with `when_ms,asked,answered`."""

import numpy as np

from blis.workload.assemble import MAX_TOKENS, assemble
from blis.workload.content.tree import intern_prefix_groups
from blis.workload.read.sheet import Sheet
from blis.workload.read.trace_formats import FORMATS, Format

COLUMNS = ("when_ms", "asked", "answered")


def load(path):
    """A table of requests that share nothing."""
    sheet = Sheet(path, COLUMNS)
    asked, answered = (sheet.integers(name, 1, MAX_TOKENS) for name in COLUMNS[1:])
    nothing = np.zeros(len(sheet), np.int64)
    return assemble(
        intern_prefix_groups(nothing - 1, nothing, asked, answered),
        arrival_us=1000 * sheet.integers("when_ms", 0, 10**9),
        input_tokens=asked,
        output_tokens=answered,
    )


FORMATS.register("extra")(Format("CSV with when_ms, asked, answered", COLUMNS, False, load))
