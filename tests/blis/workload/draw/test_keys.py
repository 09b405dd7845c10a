"""Every key of a specification, as its classes have them: wrong types and values get one line with the place."""

import dataclasses
import json
import types
import typing

import pytest

from blis.errors import InputError
from blis.workload.draw.inference_perf import InferencePerf
from blis.workload.draw.lengths import Distribution
from blis.workload.draw.spec import WorkloadSpec, load_spec

LENGTHS = {"type": "exponential", "params": {"mean": 5}}
PARTS = ("image", "audio", "video")
SENDER = {
    "arrival": {"process": "gamma", "cv": 2, "every_s": 1},
    "input_distribution": LENGTHS,
    "output_distribution": LENGTHS,
    "rate_over_time": {
        "stages": [{"duration_s": 9, "factor": 1, "cv_factor": 2}],
        "diurnal": {"peak_hours": [3], "peak_to_trough_ratio": 2, "period_s": 60},
        "spikes": [{"start_s": 1, "duration_s": 1, "factor": 2}],
    },
    "lifecycle": {"windows": [{"start_us": 0, "end_us": 10}]},
    "network": {"rtt_ms": 1, "bandwidth_mbps": 1},
    "adapters": {"count": 2},
    "multimodal": {
        "text_distribution": LENGTHS,
        **{f"{kind}{which}_distribution": LENGTHS for kind in PARTS for which in ("", "_count")},
    },
    "reasoning": {
        "reason_ratio_distribution": LENGTHS,
        "multi_turn": {
            "max_rounds": 2,
            "context_growth": "none",
            "rounds_distribution": LENGTHS,
            "think_time_distribution": LENGTHS,
            "first_input_distribution": LENGTHS,
        },
    },
}
PLAIN = {
    "rate_fraction": 1,
    "arrival": {"process": "poisson"},
    "input_distribution": LENGTHS,
    "output_distribution": LENGTHS,
}
ALL = {
    "rate_over_time": SENDER["rate_over_time"],
    "clients": [{"rate_fraction": 1, **SENDER}],
    "population": {
        "tenants": {"count": 2},
        "classes": {"a": 1},
        "prefix": {"share": 0.5, "length_distribution": LENGTHS},
        **SENDER,
    },
    "servegen_data": {"path": "x"},
    "reuse": [{"up_to_tokens": 9, "percent": 5, "requests_ago": 1, "weight": 5}],
    "inference_perf": {
        "stages": [{"rate": 1, "duration": 1}],
        "shared_prefix": {
            "num_unique_system_prompts": 1,
            "num_users_per_system_prompt": 1,
            "system_prompt_len": 1,
            "question_len": 1,
            "output_len": 1,
        },
    },
}
FREE = {"name", "id", "tenant_id", "slo_class", "prefix_group", "path", "process", "type", "file"}  # or of other tests

# A value of the right type that is out of range, by the name of the key.
WRONG = {
    **dict.fromkeys(("aggregate_rate", "rate_fraction", "bandwidth_mbps", "rate", "duration", "weight"), 0),
    **dict.fromkeys(("seed", "num_requests", "prefix_length", "think_time_us", "system_prompt_len", "span_start"), -1),
    **dict.fromkeys(("horizon", "max_rounds", "count", "up_to_tokens", "requests_ago", "span_end", "every_s"), 0),
    **dict.fromkeys(("num_unique_system_prompts", "num_users_per_system_prompt", "question_len", "output_len"), 0),
    **dict.fromkeys(("rtt_ms", "start_s", "factor", "start_us", "zipf"), -1),
    **dict.fromkeys(("duration_s", "cv_factor", "period_s", "end_us", "cv"), 0),
    **dict.fromkeys(("version", "category", "context_growth"), "no such"),
    **{key: [] for key in ("clients", "reuse", "peak_hours")},
    "client": "no such",
    "peak_to_trough_ratio": 0.5,
    "percent": 101,
    "share": 1.5,
    "shares": {"a": 2},
    "by": "no such",
    "classes": {"a": 0.5},
    "params": {"mean": -1},
    "times": [2, 1],
    "length_coupling": [[1, 0], [1, 0]],
    "requires": {"": "x"},
    "prefers": {"x": ""},
    "avoids": {"": ""},
    "spikes": [{"start_s": 99, "duration_s": 1, "factor": 1}],
}
NO_RANGE = {"windows", "stages"}  # none are allowed


def keys(cls, path=()):
    """(path, type) of every key of a dataclass and of those inside it, lists with one item."""
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if field.init:
            yield from keys_of(hints[field.name], (*path, field.name))


def keys_of(hint, path):
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        (hint,) = (one for one in typing.get_args(hint) if one is not type(None))
    yield path, hint
    inner, path = (typing.get_args(hint)[0], (*path, 0)) if typing.get_origin(hint) is tuple else (hint, path)
    if dataclasses.is_dataclass(inner):
        yield from keys(inner, path)


SPEC_KEYS = dict(keys(WorkloadSpec))
BLOCK_KEYS = {("inference_perf", *path): hint for path, hint in keys(InferencePerf)}
EVERY = SPEC_KEYS | BLOCK_KEYS


def named(path):
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)[1:]


def loaded_with(path, value):
    """Load a plain specification with all that there is at the top of this path, and this value at its end."""
    mapping = {"num_requests": 5, "aggregate_rate": 1, "clients": [PLAIN]}
    if path[0] == "inference_perf":
        mapping = {"num_requests": 5}
    part = mapping = json.loads(json.dumps(mapping | {key: ALL[key] for key in path[:1] if key in ALL}))
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(InputError) as info:
        load_spec(mapping)
    return str(info.value)


@pytest.mark.parametrize("path", EVERY, ids=named)
def test_a_value_of_another_type_is_named_with_its_place(path):
    hint = EVERY[path]
    wrong = "text" if hint in (int, float, bool) else 7
    if path[-1] == "version":
        wrong = [1]  # a number is a version, too
    line = loaded_with(path, wrong)
    assert line.startswith(f"{named(path)} must be ") and len(line.splitlines()) == 1


RANGED = [
    path
    for path, hint in EVERY.items()
    if path[-1] not in FREE | NO_RANGE and hint is not bool and not dataclasses.is_dataclass(hint)
]


@pytest.mark.parametrize("path", RANGED, ids=named)
def test_a_value_out_of_range_is_named_with_its_place(path):
    line = loaded_with(path, WRONG[path[-1]])
    *above, key = path
    assert line.startswith(named(above)) and key in line[len(named(above)) :] and len(line.splitlines()) == 1


@pytest.mark.parametrize(
    "path", [path for path, hint in SPEC_KEYS.items() if isinstance(hint, type) and issubclass(hint, Distribution)]
)
def test_wherever_lengths_are_given_their_law_is_looked_up(path):
    line = loaded_with((*path, "type"), "exponentail")
    assert line.startswith(f"{named(path)}: unknown type 'exponentail' (did you mean 'exponential'?)")
