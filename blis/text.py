"""Tables for the terminal and for pages: texts padded to the widths of their columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """Rows of cells as lines, columns two blanks apart. right: the columns that are flush right."""
    return "\n".join("  ".join(row).rstrip() for row in padded(rows, right))


def padded(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[list[str]]:
    """The cells of rows of one length, each as wide as its column."""
    columns = []
    for place, column in enumerate(zip(*rows, strict=True)):
        width = max(map(len, column))
        columns.append([cell.rjust(width) if place in right else cell.ljust(width) for cell in column])
    return [list(row) for row in zip(*columns, strict=True)]
