from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request

from blis.serve import limits
from blis.serve.refusal import RefusedError
from tests.blis.serve.small import client

PATH = "/v1/completions"


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(monkeypatch):
    monkeypatch.setattr(limits, "BODY_BYTES", 1000)
    with client() as http:
        told = http.post(PATH, content=b" " * 1001)
        untold = http.post(PATH, content=iter([b" " * 600] * 2))
        assert told.status_code == untold.status_code == 413
        assert told.json()["error"]["code"] == 413
        assert http.post(PATH, json={"prompt": "x", "max_tokens": 1}).status_code == 200


def test_headers_that_are_too_large_are_refused_on_every_path():
    with client() as http:
        for path in (PATH, "/metrics", "/nowhere"):
            answer = http.get(path, headers={"x-large": "x" * limits.HEADER_BYTES})
            assert answer.status_code == answer.json()["error"]["code"] == 431


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"7", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(body):
    with client() as http:
        answer = http.post(PATH, content=body)
        assert answer.status_code == 400 and "JSON" in answer.json()["error"]["message"]


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(limits, "BODY_S", 0.05)

    async def nothing_more() -> dict:
        return await asyncio.Future()

    scope = {"type": "http", "method": "POST", "headers": [(b"content-length", b"9")]}
    with pytest.raises(RefusedError, match="within") as found:
        asyncio.run(limits.read_raw(Request(scope, nothing_more)))
    assert found.value.status == 408
