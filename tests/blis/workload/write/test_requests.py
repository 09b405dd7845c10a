"""Our own CSV: what is read back is what was written."""

from __future__ import annotations

import numpy as np
import pytest

import blis
from blis.errors import InputError
from blis.workload.write.requests import save_requests

COLUMNS = ("arrival_us", "input_tokens", "output_tokens", "uniform", "session", "round", "path_node", "path_end_token")
LENGTH = {"type": "exponential", "params": {"mean": 40}}


def client(name, **more):
    return {
        "id": name,
        "tenant_id": f"of {name}",
        "slo_class": "fast",
        "rate_fraction": 1,
        "arrival": {"process": "poisson"},
        "input_distribution": LENGTH,
        "output_distribution": LENGTH,
    } | more


def drawn(*clients, n=80):
    return blis.generate({"aggregate_rate": 9.0, "num_requests": n, "clients": list(clients)}, seed=4)


def texts(table):
    """What a row says by name."""
    return [
        (table.slo_names[slo], table.tenant_names[tenant], table.placements[place])
        for slo, tenant, place in zip(
            table.slo_class,
            table.tenant,
            np.zeros(len(table), int) if table.placement is None else table.placement,
            strict=True,
        )
    ]


def test_columns_are_read_back_equal(tmp_path):
    labels = {"requires": {"gpu": "H100", "region": "eu"}, "avoids": {"spot": "yes"}}
    table = drawn(client("a", prefix_group="p", prefix_length=30), client("b", **labels), client("c, d", slo_class=""))
    save_requests(tmp_path / "r.csv", table)
    again = blis.load_requests(tmp_path / "r.csv")
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name))
    assert texts(again) == texts(table)
    save_requests(tmp_path / "s.csv", again)
    assert (tmp_path / "r.csv").read_bytes() == (tmp_path / "s.csv").read_bytes()


def test_adapters_are_read_back_equal(tmp_path):
    table = drawn(
        client("a", prefix_group="p", prefix_length=30, adapters={"shares": {"sql": 0.5, "law": 0.3}}), client("b")
    )
    save_requests(tmp_path / "r.csv", table)
    again = blis.load_requests(tmp_path / "r.csv")
    names = [np.array([*one.adapter_names, ""])[one.adapter].tolist() for one in (table, again)]
    assert names[0] == names[1] and set(names[0]) == {"sql", "law", ""}
    for name in ("path_node", "path_end_token", "path_offset"):
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name))


def test_sessions_keep_their_names_and_rounds(tmp_path):
    rows = "a,0,9,1,,0,,,s,0\nb,1,9,1,,0,,,,0\nc,2,9,1,,0,,,t,3\nd,3,9,1,,0,,,s,1\n"
    header = "request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id"
    (tmp_path / "r.csv").write_text(f"{header},session_id,round\n{rows}")
    table = blis.load_requests(tmp_path / "r.csv")
    save_requests(tmp_path / "s.csv", table)
    again = blis.load_requests(tmp_path / "s.csv")
    assert (again.session_names, again.request_ids) == (table.session_names, table.request_ids)
    assert again.session.tolist() == [0, -1, 1, 0] and again.round.tolist() == [0, 0, 3, 1]


def test_a_label_that_cannot_be_told_apart_is_refused(tmp_path):
    with pytest.raises(InputError, match="label 'gpu': 'H100;B200' cannot be written"):
        save_requests(tmp_path / "r.csv", drawn(client("a", requires={"gpu": "H100;B200"})))
