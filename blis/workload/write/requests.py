"""This program's own CSV of requests: what `blis.workload.read.csv_requests` reads back equal."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from blis.errors import InputError
from blis.files import write_text
from blis.tables.placement import Placement
from blis.tables.requests import RequestTable
from blis.workload.read.csv_requests import COLUMNS, LABEL_COLUMNS, OPTIONAL_COLUMNS
from blis.workload.write.prefixes import prefixes


def save_requests(path: str | Path, table: RequestTable) -> None:
    """Write all requests, whose arrivals are known. A prefix group is what prompts begin with until they first part."""
    shared = prefixes(table)
    labels = [_label_cells(one) for one in table.placements]
    placement = [0] * len(table) if table.placement is None else table.placement.tolist()
    adapters = (*table.adapter_names, "")  # the last one is for -1
    adapter = [-1] * len(table) if table.adapter is None else table.adapter.tolist()
    sessions = (*table.session_names, "")  # the last one is for -1
    columns = {
        "request_id": [table.request_id(row) for row in range(len(table))],
        "arrival_us": table.arrival_us.tolist(),
        "input_tokens": table.input_tokens.tolist(),
        "output_tokens": table.output_tokens.tolist(),
        "prefix_group": shared.names,
        "prefix_tokens": shared.tokens.tolist(),
        "slo_class": [table.slo_names[code] for code in table.slo_class.tolist()],
        "tenant_id": [table.tenant_names[code] for code in table.tenant.tolist()],
        "session_id": [sessions[code] for code in table.session.tolist()],
        "round": table.round.tolist(),
        "uniform": table.uniform.tolist(),
        "adapter": [adapters[code] for code in adapter],
        **{name: [labels[code][name] for code in placement] for name in LABEL_COLUMNS},
    }
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = (*COLUMNS, *OPTIONAL_COLUMNS)
    writer.writerow(names)
    writer.writerows(zip(*(columns[name] for name in names), strict=True))
    write_text(path, text.getvalue())


def _label_cells(placement: Placement) -> dict[str, str]:
    """By column what a placement is written as."""
    return {name: _label_cell(getattr(placement, name)) for name in LABEL_COLUMNS}


def _label_cell(labels: Mapping[str, str]) -> str:
    for name, value in labels.items():
        if ";" in name + value or "=" in name:
            raise InputError(f"label {name!r}: {value!r} cannot be written: ';' and '=' are what parts labels")
    return ";".join(f"{name}={value}" for name, value in labels.items())
