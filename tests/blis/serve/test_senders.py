from __future__ import annotations

import pytest
from starlette.requests import Request

from blis.serve.refusal import RefusedError
from blis.serve.senders import CLASS_HEADER, slo_class


def asking(name: str | None) -> Request:
    headers = [] if name is None else [(CLASS_HEADER.encode(), name.encode())]
    return Request({"type": "http", "headers": headers})


def test_the_header_names_a_class():
    classes = ("", "critical", "batch")
    assert [slo_class(asking(name), classes) for name in (None, "critical", "batch")] == [0, 1, 2]


def test_an_unknown_class_is_refused_with_those_that_there_are():
    with pytest.raises(RefusedError, match=r"critical, batch, got 'urgent'") as found:
        slo_class(asking("urgent"), ("", "critical", "batch"))
    assert (found.value.status, found.value.param) == (400, CLASS_HEADER)
