"""What rows are called becomes numbers: the columns of a table for classes, tenants, sessions and prefix groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.workload.content.tree import InternedContent, intern_prefix_groups

Names = Sequence[str]  # one for each row of a file, "" = none; empty if the file says none


def named_columns(rows: NDArray[np.int64], classes: Names, tenants: Names, sessions: Names) -> dict[str, Any]:
    """Columns and names of some rows, as `assemble` calls them; rows of a session are its rounds in their order."""
    slo_class, slo_names = _given(classes, rows)
    tenant, tenant_names = _given(tenants, rows)
    session, session_names = _numbered(sessions, rows)
    return {
        "slo_class": slo_class,
        "tenant": tenant,
        "session": session - 1,
        "round_number": _rounds(session),
        "slo_names": slo_names,
        "tenant_names": tenant_names,
        "session_names": session_names[1:],
    }


def grouped_content(
    rows: NDArray[np.int64],
    groups: Names,
    prefix_tokens: NDArray[np.int64],
    inputs: NDArray[np.int64],
    outputs: NDArray[np.int64],
) -> InternedContent:
    """Prompts of some rows that begin with so many tokens, [n] as the others, of the group that each is in."""
    group = _numbered(groups, rows)[0] - 1
    return intern_prefix_groups(group, np.where(group >= 0, np.minimum(prefix_tokens, inputs), 0), inputs, outputs)


def _numbered(names: Names, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The names of rows as numbers, and the names by number: "" is 0, the others follow in order of appearance."""
    if not any(names):
        return np.zeros(len(rows), np.int64), ("",)
    chosen = [names[row] for row in rows.tolist()]
    known = {name: number for number, name in enumerate(dict.fromkeys(("", *chosen)))}
    return np.array([known[name] for name in chosen], np.int64), tuple(known)


def _given(names: Names, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The same without "" where every row has a name: nobody is of a class that has none."""
    numbers, known = _numbered(names, rows)
    return (numbers - 1, known[1:]) if len(numbers) and numbers.min() > 0 else (numbers, known)


def _rounds(sessions: NDArray[np.int64]) -> NDArray[np.int64]:
    """[n] how many rows of the same session stand above each; 0 without one, which is session 0."""
    order = np.argsort(sessions, kind="stable")
    found = np.empty(len(order), np.int64)
    found[order] = np.arange(len(order)) - np.searchsorted(sessions[order], sessions[order])
    return np.where(sessions > 0, found, 0)
