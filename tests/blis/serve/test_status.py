from __future__ import annotations

from blis.config import Admission
from tests.blis.serve.small import client


def test_it_says_who_is_up_and_what_became_of_the_latest():
    with client() as http:
        http.post("/v1/completions", json={"prompt": list(range(10)), "max_tokens": 3, "ignore_eos": True})
        facts = http.get("/api/cluster/status").json()
    assert [instance["instance"] for instance in facts["instances"]] == [0, 1]
    assert sum(instance["completed"] for instance in facts["instances"]) == 1
    (latest,) = facts["latest"]
    assert (latest["status"], latest["input_tokens"], latest["output_tokens"]) == ("completed", 10, 3)
    assert latest["ttft_ms"] == 10.1 and round(latest["e2e_ms"], 2) == 30.12


def test_a_rejection_has_a_reason():
    with client(admission=Admission("reject-all")) as http:
        http.post("/v1/completions", json={"prompt": "x"})
        facts = http.get("/api/cluster/status").json()
    assert (facts["latest"][0]["status"], facts["latest"][0]["reason"], facts["rejected"]) == ("rejected", "policy", 1)
