from __future__ import annotations

import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.draw.generate import generate
from blis.workload.draw.in_chunks import generate_in_chunks
from blis.workload.draw.spec import WorkloadSpec
from blis.workload.source import load_workload
from tests.places import ROOT

COLUMNS = ("arrival_us", "input_tokens", "output_tokens", "uniform", "slo_class", "tenant", "round", "session")
SHIPPED = ("chat_prefix", "mixed_slo", "rag", "two_peaks", "unfair_tenants", "prefix_heavy", "azure_conv")
PLAIN = {"arrival": {"process": "poisson"}, "output_distribution": {"type": "constant", "params": {"value": 5}}}
PARETO = {"alpha": 1.5, "xm": 20, "mu": 4, "sigma": 1, "mix_weight": 0.3, "max": 4000}
TWO_LAWS = {"type": "pareto_lognormal", "params": PARETO}
IMAGES = {"type": "gaussian", "params": {"mean": 2, "std_dev": 2, "min": 0, "max": 9}}
BINS = {"type": "empirical", "params": {"10": 1, "100": 2, "300": 1, "900": 1}}

SPECS = {
    "two laws": {
        "clients": [{**PLAIN, "rate_fraction": 1, "input_distribution": {"type": "pareto_lognormal", "params": PARETO}}]
    },
    "coupled": {
        "clients": [
            {
                "arrival": {"process": "gamma", "cv": 2},
                "rate_fraction": 1,
                "input_distribution": BINS,
                "output_distribution": BINS,
                "length_coupling": [[3, 1], [1, 3]],
            }
        ]
    },
    "images": {
        "clients": [
            {
                **PLAIN,
                "rate_fraction": 1,
                "input_distribution": BINS,
                "multimodal": {
                    "text_distribution": BINS,
                    "image_distribution": BINS,
                    "image_count_distribution": {
                        "type": "gaussian",
                        "params": {"mean": 2, "std_dev": 2, "min": 0, "max": 9},
                    },
                },
            }
        ]
    },
}


def spec(name: str) -> WorkloadSpec:
    known = name in SPECS
    found = load_workload(
        {"aggregate_rate": 50, "num_requests": 9, **SPECS[name]} if known else ROOT / f"conf/workload/{name}.yaml"
    )
    assert isinstance(found, WorkloadSpec)
    return found


@pytest.mark.parametrize("size", [37, 1000])
@pytest.mark.parametrize("name", [*SHIPPED, *SPECS])
def test_chunks_together_are_what_is_drawn_at_once(name, size):
    want = generate(spec(name), 3, 2500)
    stream = generate_in_chunks(spec(name), 3, 2500, size=size)
    chunks = list(stream.chunks)
    for column in COLUMNS:
        got = np.concatenate([getattr(chunk.table, column) for chunk in chunks])
        np.testing.assert_array_equal(got, getattr(want, column), err_msg=column)
    assert [chunk.first for chunk in chunks] == np.cumsum([0, *(len(chunk.table) for chunk in chunks)])[:-1].tolist()
    assert stream.patterns.tenant_names == want.tenant_names and stream.patterns.slo_names == want.slo_names


@pytest.mark.parametrize("name", ["chat_prefix", "prefix_heavy", "rag"])
def test_patterns_say_what_prompts_share(name):
    """As many leading tokens of each prompt are shared as the table of all says, and between the same rows."""
    want, stream = generate(spec(name), 3, 2000), generate_in_chunks(spec(name), 3, 2000, size=300)
    pattern = np.concatenate([chunk.pattern for chunk in stream.chunks])
    first = want.path_node[want.path_offset[:-1]]
    shares = want.tree.shared[first] >= 0
    assert (pattern[shares] >= 0).all()
    for each in np.unique(pattern[shares]):
        assert len(np.unique(first[shares & (pattern == each)])) == 1
        own = stream.patterns.path_end_token[stream.patterns.path_offset[each]]
        assert set(want.tree.end_token[first[shares & (pattern == each)]]) == {own}


@pytest.mark.parametrize(
    ("name", "words"), [("agentic", r"multi_turn: conversations cannot"), ("mooncake_conversation", "reuse: prompts")]
)
def test_what_hangs_on_requests_long_gone_is_refused(name, words):
    with pytest.raises(InputError, match=words):
        generate_in_chunks(spec(name), 1, 10)


def test_a_workload_without_requests_is_refused():
    none = load_workload({"aggregate_rate": 1e-6, "horizon": 5, **SPECS["two laws"]})
    assert isinstance(none, WorkloadSpec)
    with pytest.raises(InputError, match="0 requests generated"):
        list(generate_in_chunks(none, 1).chunks)
