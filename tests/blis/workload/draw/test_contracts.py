"""What the plan of the original promises of workloads (workload-and-calibration.md section 20), kept all at once."""

import copy
import hashlib
import random
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from blis.api import simulate
from blis.errors import InputError
from blis.original.presets import PRESETS, generate_preset
from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec, spec_mapping
from tests.places import CONF, ROOT

LENGTHS = {"type": "exponential", "params": {"mean": 80, "max": 900}}
BINS = {"type": "empirical", "params": {"10": 0.5, "20": 0.5}}
TAILED = {
    "type": "pareto_lognormal",
    "params": {"alpha": 1.5, "xm": 50, "mu": 4, "sigma": 1, "mix_weight": 0.3, "max": 4000},
}
EVERYTHING = {
    "version": "1",
    "name": "everything",
    "seed": 4,
    "category": "reasoning",
    "aggregate_rate": 50.0,
    "num_requests": 600,
    "rate_over_time": {
        "diurnal": {"peak_hours": [10, 20], "peak_to_trough_ratio": 3, "period_s": 8},
        "spikes": [{"start_s": 1, "duration_s": 0.5, "factor": 4}],
    },
    "clients": [
        {
            "id": "talks",
            "tenant_id": "a",
            "slo_class": "interactive",
            "rate_fraction": 0.2,
            "streaming": True,
            "prefix_group": "system",
            "prefix_length": 64,
            "arrival": {"process": "weibull", "cv": 2.0},
            "input_distribution": LENGTHS,
            "output_distribution": BINS,
            "network": {"rtt_ms": 20, "bandwidth_mbps": 100},
            "closed_loop": False,
            "reasoning": {
                "reason_ratio_distribution": {"type": "constant", "params": {"value": 30}},
                "multi_turn": {"max_rounds": 4, "think_time_us": 300_000, "context_growth": "accumulate"},
            },
        },
        {
            "id": "sees",
            "tenant_id": "b",
            "slo_class": "batch",
            "rate_fraction": 0.5,
            "arrival": {"process": "gamma", "cv": 3.5},
            "input_distribution": TAILED,
            "output_distribution": LENGTHS,
            "lifecycle": {"windows": [{"start_us": 0, "end_us": 4_000_000}]},
            "multimodal": {
                "text_distribution": LENGTHS,
                "image_distribution": BINS,
                "image_count_distribution": {"type": "constant", "params": {"value": 2}},
            },
        },
        {
            "id": "regular",
            "rate_fraction": 0.1,
            "arrival": {"process": "recorded", "times": [0, 1, 1.5, 4]},
            "input_distribution": {"type": "log_uniform", "params": {"min": 10, "max": 90}},
            "output_distribution": {"type": "gaussian", "params": {"mean": 50, "std_dev": 20, "min": 1, "max": 99}},
            "rate_over_time": {"stages": [{"duration_s": 3, "factor": 1.5}, {"duration_s": 30, "factor": 0.5}]},
            "requires": {"gpu": "H100"},
        },
    ],
    "population": {
        "rate_fraction": 0.2,
        "arrival": {"process": "poisson"},
        "tenants": {"count": 5, "zipf": 1},
        "classes": {"interactive": 0.5, "standard": 0.5},
        "prefix": {"share": 0.5, "length_distribution": BINS},
        "input_distribution": LENGTHS,
        "output_distribution": LENGTHS,
    },
}
COLUMNS = ("arrival_us", "input_tokens", "output_tokens", "path_offset", "path_node", "path_end_token", "output_node")
MORE_COLUMNS = ("slo_class", "tenant", "session", "round", "uniform")
TREE = ("parent", "start_token", "end_token", "shared")


def digest(table) -> str:
    """Of all columns and the tree, with their types."""
    found = hashlib.sha256()
    for owner, names in ((table, COLUMNS + MORE_COLUMNS), (table.tree, TREE)):
        for name in names:
            column = getattr(owner, name)
            found.update(f"{name} {column.dtype} {column.shape}".encode() + column.tobytes())
    return found.hexdigest()[:16]


def without(client: str):
    mapping = copy.deepcopy(EVERYTHING)
    mapping["clients"] = [one for one in mapping["clients"] if one["id"] != client]
    return mapping


def test_everything_comes_back_from_its_mapping():
    spec = load_spec(EVERYTHING)
    assert load_spec(spec_mapping(spec)) == spec


def test_the_same_seed_gives_the_same_bytes():
    """BC-1; another seed gives others."""
    first, again, other = (digest(generate(load_spec(EVERYTHING), seed)) for seed in (5, 5, 6))
    assert first == again != other


def test_clients_keep_their_proportions():
    """BC-2: within 5 %, and under a cap within 10 points; nobody who sends little is left out."""
    plain = {**CLIENT, "arrival": {"process": "poisson"}}
    clients = [{**plain, "id": name, "rate_fraction": share} for name, share in (("a", 7), ("b", 2.99), ("rare", 0.01))]
    spec = load_spec({"aggregate_rate": 100, "num_requests": 20_000, "clients": clients})
    shares = np.bincount(generate(spec, 1).origin.client, minlength=3) / 20_000
    np.testing.assert_allclose(shares[:2], [0.7, 0.299], rtol=0.05)
    assert shares[2] > 0
    assert (generate(spec, 1, n=100).origin.client == 0).mean() == pytest.approx(0.7, abs=0.1)


CLIENT = {
    "rate_fraction": 1,
    "arrival": {"process": "poisson"},
    "input_distribution": LENGTHS,
    "output_distribution": LENGTHS,
}


@pytest.mark.parametrize("gone", ["talks", "sees", "regular"])
def test_a_client_never_changes_anothers_draws(gone):
    """Streams are isolated: what is left sends the same, at the same times, whatever it was drawn beside."""
    share = {"talks": 0.8, "sees": 0.5, "regular": 0.9}[gone]
    whole = generate(load_spec(EVERYTHING), 5, n=900)
    part = generate(load_spec(without(gone) | {"aggregate_rate": 50 * share}), 5, n=900)
    for name in {"talks", "sees", "regular", "population"} - {gone}:
        rows = [np.flatnonzero(table.origin.client == table.origin.client_names.index(name)) for table in (whole, part)]
        n = min(map(len, rows))
        assert n > 20
        for column in ("input_tokens", "output_tokens", "arrival_us", "round"):
            ours, theirs = (getattr(table, column)[of][:n] for table, of in zip((whole, part), rows, strict=True))
            np.testing.assert_allclose(ours, theirs, atol=1)  # rates are equal to within the last bit


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chat_prefix", "ef36326aff71186d"),
        ("chat_bursty", "c81ec63a7d6f38af"),
        ("chat_overload", "a46e892148b81734"),
        ("chat_prefix_no_skew", "6cc66cf6a209132f"),
        ("chat_prefix_strong_skew", "1d63de02a48418c9"),
    ],
)
def test_what_was_there_before_is_unchanged(name, expected):
    """BC-5: requests of the default problem and its siblings are those that every published verdict is about."""
    assert digest(generate(load_spec(CONF / "workload" / f"{name}.yaml"), 1)) == expected


def test_the_originals_simple_workloads_are_unchanged():
    """BC-5."""
    assert digest(generate_preset(PRESETS["chatbot"], 10, 500, 42)) == "112b1f91dffdac7a"


def test_every_class_is_reported():
    """BC-10: per SLO class, the server's latencies, and beside them what clients saw (BC-9)."""
    result = simulate(CONF / "cluster" / "h100x4.yaml", generate(load_spec(without("regular")), 1))
    found = result.metrics.to_dict()
    assert set(found["classes"]) == {"interactive", "batch", "standard"}
    assert sum(of_class["e2e_count"] for of_class in found["classes"].values()) == 600
    assert found["client_side"]["ttft_mean_ms"] > found["ttft_mean_ms"]


def test_the_engine_knows_no_workload():
    """NC-1: imports go one way."""
    code = "import sys, blis.engine.run; print(*(name for name in sys.modules if name.startswith('blis.workload')))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.strip() == ""


def leaves(part, path=()):
    """The key path of everything in a specification, containers too."""
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from leaves(value, (*path, key))


JUNK = (None, "x", -1, 0, 1e308, float("nan"), float("inf"), [], {}, [None], {"x": 1}, True, 2**70)


@pytest.mark.parametrize("path", list(leaves(EVERYTHING)), ids=lambda path: ".".join(map(str, path)))
def test_no_value_of_any_key_ends_in_anything_but_requests_or_one_line(path):
    """NC-2, NC-3: strict, and no traceback whatever stands there."""
    *above, last = path
    for junk in JUNK:
        mapping = copy.deepcopy(EVERYTHING)
        part = mapping
        for key in above:
            part = part[key]
        part[last] = junk
        try:
            assert len(generate(load_spec(mapping), 1, n=30)) <= 30
        except InputError as error:
            assert str(error)


def test_an_unknown_key_is_refused_wherever_it_stands():
    """NC-2."""
    for path in leaves(EVERYTHING):
        part = copy.deepcopy(EVERYTHING)
        inner = mapping = part
        for key in path:
            inner = inner[key]
        if isinstance(inner, dict) and path[-1] not in ("params", "classes", "requires"):
            inner["unheard_of"] = 1
            with pytest.raises(InputError, match="unheard_of"):
                load_spec(mapping)


def test_nobody_elses_random_numbers_are_used():
    """NC-4: neither read nor moved on."""
    np.random.seed(1)
    random.seed(1)
    before = (np.random.get_state()[1].tolist(), random.getstate())
    first = digest(generate(load_spec(EVERYTHING), 5))
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before
    np.random.seed(2)
    assert digest(generate(load_spec(EVERYTHING), 5)) == first


@pytest.mark.parametrize("value", [-1, -0.5, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["mean", "max"])
def test_a_negative_or_endless_parameter_is_refused(name, value):
    """EC-1."""
    law = copy.deepcopy(LENGTHS)
    law["params"][name] = value
    with pytest.raises(InputError, match=rf"clients\[0\].input_distribution: params.{name} must be"):
        load_spec({"aggregate_rate": 1, "num_requests": 1, "clients": [CLIENT | {"input_distribution": law}]})


def test_nobody_to_send_is_refused():
    """EC-2."""
    with pytest.raises(InputError, match="must be given, got neither"):
        load_spec({"aggregate_rate": 1, "num_requests": 1, "clients": []})


@pytest.mark.parametrize(("key", "rate"), [("aggregate_rate", 0), ("aggregate_rate", -2), ("rate_fraction", 0)])
def test_a_rate_of_nothing_is_refused(key, rate):
    """EC-4."""
    client = CLIENT | ({key: rate} if key == "rate_fraction" else {})
    mapping = {"aggregate_rate": 1, "num_requests": 1, "clients": [client]}
    with pytest.raises(InputError, match=f"{key} must be > 0"):
        load_spec(mapping | ({key: rate} if key == "aggregate_rate" else {}))


def test_a_horizon_of_nothing_and_one_without_requests_are_errors():
    """EC-5: nothing but the horizon ends a workload without a number; before the first arrival there is nobody."""
    mapping = {"aggregate_rate": 1, "clients": [CLIENT]}
    with pytest.raises(InputError, match="num_requests or horizon must be given"):
        load_spec(mapping)
    with pytest.raises(InputError, match=r"horizon must be in \[1, "):
        load_spec(mapping | {"num_requests": 5, "horizon": 0})
    assert len(generate(load_spec(mapping | {"num_requests": 5}), 1)) == 5
    with pytest.raises(InputError, match="0 requests generated"):
        generate(replace(load_spec(mapping | {"num_requests": 5}), horizon=1), 1)
