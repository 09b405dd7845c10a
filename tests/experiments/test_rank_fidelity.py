"""Rank fidelity: what tau says, what a measure is of, and a small comparison from requests to page."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from blis.errors import InputError
from experiments import rank_fidelity
from experiments.inference_perf import Load, Prompts, Stage
from experiments.published import SMALL_CACHE
from experiments.rank_fidelity import Served, main, measured, serve, simulated, table, tau

#: Prefixes of 12 groups on two pods, each of which has room for half of them.
SMALL = replace(
    SMALL_CACHE,
    name="small",
    instances=2,
    instance={**SMALL_CACHE.instance, "kv": {"blocks": 500, "block_size_tokens": 16}},
    requests=Prompts(12, 2, 1_000, 100, 20, Stage(20, 2), (Stage(10, 4), Stage(20, 2)), poisson=True),
    routers={name: SMALL_CACHE.routers[name] for name in ("random", "precise")},
    published={"output tokens/s": (1.0, 2.0), "TTFT mean s": (2.0, 1.0)},
)


def test_tau_counts_pairs_in_the_same_order():
    published = (8.0, 6.0, 4.0, 2.0)
    assert tau(published, (4.0, 3.0, 2.0, 1.0)) == pytest.approx(1)
    assert tau(published, (1.0, 2.0, 3.0, 4.0)) == pytest.approx(-1)
    assert tau(published, (4.0, 3.0, 1.0, 2.0)) == pytest.approx(4 / 6)


def test_a_measure_is_the_mean_over_stages_without_the_warm_up():
    requests = SimpleNamespace(arrival_us=np.array([0, 0, 10_000_000, 20_000_000]))
    result = SimpleNamespace(
        completed_us=np.array([9_000_000, 4_000_000, 12_000_000, 21_000_000]),
        generated_tokens=np.array([999, 8, 6, 7]),
        ttft_us=np.array([9_000_000, 1_000_000, 3_000_000, 500_000]),
        e2e_us=np.array([9_000_000, 4_000_000, 2_000_000, 1_000_000]),
    )
    served = Served(Load(requests, np.array([-1, 0, 1, 2])), result)
    assert measured(served, "output tokens/s") == pytest.approx((8 / 4 + 6 / 2 + 7 / 1) / 3)
    assert measured(served, "TTFT mean s") == pytest.approx(1.5)
    assert measured(served, "E2E p50 s") == pytest.approx(7 / 3)


def test_a_router_that_knows_the_caches_is_ahead_of_chance(monkeypatch):
    monkeypatch.setattr(rank_fidelity, "TABLES", 2)
    found = simulated(SMALL)
    by_chance, precise = found["TTFT mean s"]
    assert precise < by_chance
    assert tau(SMALL.published["TTFT mean s"], found["TTFT mean s"]) == 1
    assert found == simulated(SMALL)


def test_requests_without_an_answer_are_an_error():
    tiny = replace(SMALL, instance={**SMALL.instance, "kv": {"blocks": 5, "block_size_tokens": 16}})
    with pytest.raises(InputError, match=r"small, random: .* requests got no answer"):
        serve(tiny, "random", tiny.requests.load(0))


def test_a_table_has_both_sides_of_every_measure_and_their_tau():
    lines = table(SMALL, {"output tokens/s": (1500.0, 2500.0), "TTFT mean s": (1.0, 2.0)}).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[2] == ["random", "1.00", "1,500", "2.00", "1.00"]
    assert cells[-1] == ["Kendall's tau", "", "+1.00", "", "-1.00"]


def test_the_page_is_printed_and_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rank_fidelity, "TABLES", 1)
    monkeypatch.setattr(rank_fidelity, "COMPARISONS", (SMALL,))
    assert main([]) == 0
    out = capsys.readouterr().out
    assert out.startswith("### small\n") and "Kendall's tau" in out
    assert (tmp_path / "outputs/experiments/rank_fidelity/rank_fidelity.md").read_text() == out
    assert main(["driver.budget=3"]) == 2
    assert capsys.readouterr().err == "error: no arguments are expected, got driver.budget=3\n"
