from __future__ import annotations

import pytest

from blis.serve.senders import CLASS_HEADER
from tests.blis.serve.small import MODEL, client, service

COMPLETION = "/v1/completions"


def test_the_small_endpoints():
    with client() as http:
        (model,) = http.get("/v1/models").json()["data"]
        assert (model["id"], model["max_model_len"]) == (MODEL, 1000)
        assert http.get("/health").status_code == 200
        assert http.get("/version").json()["version"]
        page = http.get("/")
        assert "<html" in page.text and "http" not in page.text.replace("http-equiv", "")
        missing = http.get("/nowhere")
        assert missing.status_code == missing.json()["error"]["code"] == 404
        assert http.get(COMPLETION).status_code == 405


def test_a_failed_simulation_is_not_healthy():
    made = service()
    with client(made) as http:
        made.fleet.failure = RuntimeError("broken")
        assert http.get("/health").status_code == 503


def test_a_model_is_told_by_its_name_with_its_slash_quoted_as_clients_do():
    made = service()
    made.model = "org/small"
    with client(made) as http:
        assert http.get("/v1/models/org%2Fsmall").json()["id"] == "org/small"
        other = http.get("/v1/models/other")
    assert other.status_code == 404 and "/v1/models/other" in other.json()["error"]["message"]


def test_what_was_asked_for_is_not_repeated_at_any_length():
    long = "x" * 10_000
    with client() as http:
        answers = [
            http.get(f"/{long}"),
            http.request(long.upper(), "/metrics"),
            http.post(COMPLETION, json={"prompt": "x", "model": long}),
            http.post(COMPLETION, json={"prompt": "x"}, headers={CLASS_HEADER: long}),
        ]
    assert [answer.status_code for answer in answers] == [404, 405, 404, 400]
    assert all(len(answer.json()["error"]["message"]) < 200 for answer in answers)


def test_an_error_that_nobody_expected_is_a_line_on_stderr_and_no_secret_for_the_client(monkeypatch, capsys):
    made = service()

    def broken() -> str:
        raise ValueError("page is\nbroken")

    monkeypatch.setattr(made.metrics, "page", broken)
    with client(made) as http, pytest.raises(ValueError, match="page is"):
        http.get("/metrics")
    assert capsys.readouterr().err == "blis: 'GET /metrics' failed: ValueError: page is broken\n"
