"""The one constructor of RequestTable: checks the columns, fills in what is absent, freezes the arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from blis.config import MAX_TIME_US
from blis.errors import InputError
from blis.tables.origin import Origin
from blis.tables.placement import Placement
from blis.tables.requests import RequestTable
from blis.workload.content.adapters import apart_by_adapter
from blis.workload.content.tree import InternedContent, intern_sequences, token_spans
from blis.workload.draw.streams import stream

MAX_TOKENS = 10**9  # of one prompt or output; sums over any table stay far below int64


def assemble(
    content: InternedContent,
    *,
    arrival_us: ArrayLike,
    input_tokens: ArrayLike,
    output_tokens: ArrayLike,
    uniform: ArrayLike | None = None,
    slo_class: ArrayLike = 0,
    tenant: ArrayLike = 0,
    session: ArrayLike = -1,
    round_number: ArrayLike = 0,
    predecessor: ArrayLike | None = None,
    think_us: ArrayLike | None = None,
    slo_names: Sequence[str] = ("",),
    tenant_names: Sequence[str] = ("",),
    session_names: Sequence[str] = (),
    placement: ArrayLike | None = None,
    placements: Sequence[Placement] = (Placement(),),
    adapter: ArrayLike | None = None,
    adapter_names: Sequence[str] = (),
    origin: Origin | None = None,
    request_ids: Sequence[str] | None = None,
    notes: Sequence[str] = (),
) -> RequestTable:
    """A checked, read-only RequestTable; arrays are copied unless they are read-only already.

    content: of the same rows. uniform: absent takes `default_uniform`. slo_class, tenant, session and
    round_number: one value for all rows, or one a row. predecessor and think_us: of closed loops, see RequestTable;
    absent, or nowhere set: nobody follows anybody. placement: absent = all rows have the first of placements.
    adapter: absent, or -1 everywhere = all are for the base model; what `content` lets requests of different adapters
    share is shared no more.
    Raises InputError: no rows, columns of different length, arrivals unsorted or outside
    [0, MAX_TIME_US], prompts below 1 token, outputs below 0, uniform outside [0, 1), an index without a
    name, duplicate ids, a row that follows one that does not belong to its session.
    """
    n = len(content.output_node)
    if n == 0:
        raise InputError("a request table needs at least one request")
    follows = None if predecessor is None else _column("predecessor", predecessor, np.int32, n)
    closed = follows is not None and bool((follows != -1).any())
    inputs, outputs = (
        _column(name, column, np.int64, n)
        for name, column in (("input_tokens", input_tokens), ("output_tokens", output_tokens))
    )
    asked = None if adapter is None else _column("adapter", adapter, np.int32, n)
    asked = None if asked is None or bool((asked == -1).all()) else asked
    if asked is not None:
        content = apart_by_adapter(content, asked, inputs, outputs)
    table = RequestTable(
        arrival_us=_column("arrival_us", arrival_us, np.int64, n),
        input_tokens=inputs,
        output_tokens=outputs,
        path_offset=content.path_offset,
        path_node=content.path_node,
        path_end_token=content.path_end_token,
        output_node=content.output_node,
        slo_class=_column("slo_class", slo_class, np.int16, n),
        tenant=_column("tenant", tenant, np.int32, n),
        session=_column("session", session, np.int32, n),
        round=_column("round", round_number, np.int32, n),
        uniform=_column("uniform", default_uniform(n) if uniform is None else uniform, np.float64, n),
        tree=content.tree,
        slo_names=tuple(slo_names),
        tenant_names=tuple(tenant_names),
        session_names=tuple(session_names),
        placement=None if placement is None else _column("placement", placement, np.int16, n),
        placements=tuple(placements),
        adapter=asked,
        adapter_names=() if asked is None else tuple(adapter_names),
        origin=origin,
        predecessor=follows if closed else None,
        think_us=_column("think_us", 0 if think_us is None else think_us, np.int64, n) if closed else None,
        request_ids=None if request_ids is None else tuple(request_ids),
        notes=tuple(notes),
    )
    _check(table)
    return table


def default_uniform(n: int) -> NDArray[np.float64]:
    """The `uniform` column of requests that come without one: [n] in [0, 1), the same in every run."""
    return stream(0, "requests/uniform").random(n)


def table_from_tokens(
    arrival_us: Sequence[int], prompts: Sequence[Sequence[int]], outputs: Sequence[Sequence[int]]
) -> RequestTable:
    """A table of explicit token lists, sorted by arrival; equal arrivals keep their order.

    Rows are named request_0, … in the order given. Raises InputError as `assemble` does.
    """
    if not len(arrival_us) == len(prompts) == len(outputs):
        raise InputError(f"{len(arrival_us)} arrivals, {len(prompts)} prompts and {len(outputs)} outputs")
    order = sorted(range(len(arrival_us)), key=arrival_us.__getitem__)
    lengths = [len(prompts[row]) for row in order]
    content = intern_sequences([token_spans([*prompts[row], *outputs[row]]) for row in order], lengths)
    return assemble(
        content,
        arrival_us=[arrival_us[row] for row in order],
        input_tokens=lengths,
        output_tokens=[len(outputs[row]) for row in order],
        request_ids=[f"request_{row}" for row in order],
    )


def _column(name: str, values: ArrayLike, dtype: type, n: int) -> NDArray[Any]:
    """One column, read-only, of the right type and length."""
    given = np.asarray(values)
    if given.shape not in ((), (n,)):
        raise InputError(f"{name} must have {n} rows, got the shape {given.shape}")
    if not np.issubdtype(given.dtype, np.number):
        raise InputError(f"{name} must hold numbers")
    with np.errstate(invalid="ignore"):  # NaN as an integer: found by the comparison below
        column: NDArray[Any] = given.astype(dtype, copy=given.flags.writeable)
    if column is not given and not np.array_equal(column, given):
        raise InputError(f"{name} must hold numbers of the type {np.dtype(dtype).name}")
    if column.ndim == 0:
        column = np.full(n, column)
    column.setflags(write=False)
    return column


def _check(table: RequestTable) -> None:
    """Raise InputError for the first row that breaks a rule of RequestTable."""
    opened, inputs, outputs, uniform = table.opened_us, table.input_tokens, table.output_tokens, table.uniform
    for name, good, rule in (
        *_closed_rules(table),
        ("arrival_us", (opened >= 0) & (opened <= MAX_TIME_US), f"in [0, {MAX_TIME_US}]"),
        ("arrival_us", _sorted(table), "not less than the row before"),
        ("input_tokens", (inputs >= 1) & (inputs <= MAX_TOKENS), f"in [1, {MAX_TOKENS}]"),
        ("output_tokens", (outputs >= 0) & (outputs <= MAX_TOKENS), f"in [0, {MAX_TOKENS}]"),
        ("uniform", (uniform >= 0) & (uniform < 1), "in [0, 1)"),
        ("slo_class", _within(table.slo_class, 0, table.slo_names), "an index into slo_names"),
        ("tenant", _within(table.tenant, 0, table.tenant_names), "an index into tenant_names"),
        ("session", _within(table.session, -1, table.session_names), "-1 or an index into session_names"),
        ("round", table.round >= 0, ">= 0"),
        ("adapter", _within(_adapter(table), -1, table.adapter_names), "-1 or an index into adapter_names"),
        ("placement", _within(_placement(table), 0, table.placements), "an index into placements"),
    ):
        if not good.all():
            row = int(np.argmin(good))
            raise InputError(f"request {row}: {name} must be {rule}, got {getattr(table, name)[row]}")
    if not np.array_equal(table.path_end_token[table.path_offset[1:] - 1], inputs + outputs):
        raise InputError("the content is not of these lengths")
    ids = table.request_ids
    if ids is not None and (len(ids) != len(table) or len(set(ids)) != len(ids)):
        raise InputError(f"request_ids must be {len(table)} different names")


def _sorted(table: RequestTable) -> NDArray[np.bool_]:
    """[n] whether a row comes no earlier than the ones before; of rows that follow others nothing is said."""
    arrival = table.arrival_us
    return (
        np.diff(table.opened_us, prepend=0) >= 0 if not table.closed else (arrival < 0) | (arrival == table.opened_us)
    )


def _closed_rules(table: RequestTable) -> list[tuple[str, NDArray[np.bool_], str]]:
    """What holds of rows that follow others: by name of the column, whether it holds of each row, and in words."""
    if table.predecessor is None or table.think_us is None:
        return []
    rows = np.arange(len(table))
    follows = table.predecessor >= 0
    opener = np.maximum.accumulate(np.where(follows, 0, rows))
    known = (table.predecessor >= -1) & (table.predecessor < rows)
    behind = ~follows | (known & (table.predecessor >= opener))
    return [
        ("predecessor", known, "-1 or a row before it"),
        ("predecessor", behind, "a row of the same session, between the row that opens it and this one"),
        ("arrival_us", ~follows | (table.arrival_us == -1), "-1 in a row that follows another"),
        ("think_us", ~follows | (table.think_us >= 1), "at least 1 in a row that follows another"),
        ("think_us", follows | (table.think_us == 0), "0 in a row that follows none"),
        ("think_us", table.think_us <= MAX_TIME_US, f"at most {MAX_TIME_US}"),
    ]


def _placement(table: RequestTable) -> NDArray[Any]:
    return np.zeros(len(table), np.int16) if table.placement is None else table.placement


def _adapter(table: RequestTable) -> NDArray[Any]:
    return np.full(len(table), -1, np.int32) if table.adapter is None else table.adapter


def _within(index: NDArray[Any], low: int, names: Sequence[object]) -> NDArray[np.bool_]:
    """[n] whether each index is `low` or more and has a name."""
    return (index >= low) & (index < len(names))
