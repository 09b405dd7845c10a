from __future__ import annotations

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
