"""Every public sample, imported: requests, tokens, and how often blocks were there before, counted without our tree.

Runs only where the samples are.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from blis.config import KV, Cluster, Instance, LatencyModel, Scenario
from blis.engine.run import simulate
from blis.workload.content.reuse import ideal_hits
from blis.workload.read.traces import TraceSpec, format_of, parse
from tests.blis.workload.trace_files import SAMPLES, needs_samples

pytestmark = needs_samples

#: File, format, requests, and what the files call tokens of prompts and outputs.
SAMPLE_FILES = [
    ("mooncake/conversation_trace_first4000.jsonl", "mooncake", 4000, "input_length", "output_length"),
    ("mooncake/synthetic_trace_first2000.jsonl", "mooncake", 2000, "input_length", "output_length"),
    ("azure/AzureLLMInferenceTrace_code.csv", "azure", 8819, "ContextTokens", "GeneratedTokens"),
    ("azure/AzureLLMInferenceTrace_conv.csv", "azure", 19_366, "ContextTokens", "GeneratedTokens"),
    ("vidur/splitwise_conv_first3000.csv", "compact", 3000, "num_prefill_tokens", "num_decode_tokens"),
    ("vllm_logs/RTX4090_Llama-3.1-8B.requests.jsonl", "request-log", 300, "input_toks", "output_toks"),
    ("vllm_logs/RTXPRO6000_Llama-3.1-8B.requests.jsonl", "request-log", 300, "input_toks", "output_toks"),
    ("vllm_logs/RTXPRO6000_Qwen3-32B.requests.jsonl", "request-log", 300, "input_toks", "output_toks"),
    ("agentic", "agentic", 46, "in", "out"),
]
HASHED = ["mooncake/conversation_trace_first4000.jsonl", "mooncake/synthetic_trace_first2000.jsonl", "agentic"]


def rows_of(name: str) -> Iterator[dict]:
    """Every request of a file or folder as it stands there."""
    for file in sorted((SAMPLES / name).glob("*.json")) or [SAMPLES / name]:
        text = file.read_text()
        if file.suffix == ".csv":
            yield from csv.DictReader(text.splitlines())
        elif file.suffix == ".jsonl":
            yield from map(json.loads, text.splitlines())
        else:  # hashes are the file's own
            for row in json.loads(text)["requests"]:
                yield {**row, "hash_ids": [(file.name, block) for block in row["hash_ids"]]}


def counted_hits(name: str, size: int) -> tuple[int, int]:
    """(found, looked up) of full blocks of a set of beginnings that keeps all; a prompt computes its last token."""
    seen: set[tuple] = set()
    found = looked_up = 0
    for row in rows_of(name):
        tokens, hashes = row.get("input_length", row.get("in")), row["hash_ids"]
        whole = min(tokens // size, len(hashes))
        beginnings = [tuple(hashes[:blocks]) for blocks in range(1, whole + 1)]
        looked_up += tokens // size
        found += sum(beginning in seen for beginning in beginnings if len(beginning) * size < tokens)
        seen.update(beginnings)
    return found, looked_up


@pytest.mark.parametrize(("name", "format_name", "n", "inputs", "outputs"), SAMPLE_FILES)
def test_requests_and_tokens(name, format_name, n, inputs, outputs):
    spec = TraceSpec(str(SAMPLES / name))
    assert format_of(spec) == format_name
    table = parse(spec, format_name)
    rows = list(rows_of(name))
    assert len(table) == len(rows) == n
    assert table.input_tokens.sum() == sum(int(row[inputs]) for row in rows)
    assert table.output_tokens.sum() == sum(int(row[outputs]) for row in rows)
    assert table.first_arrival_us == 0


@pytest.mark.parametrize("name", HASHED)
def test_ideal_and_simulated_hits_are_those_counted_with_a_set(name):
    spec = TraceSpec(str(SAMPLES / name), turns="arrivals")
    table = parse(spec, format_of(spec))
    size = 64 if name == "agentic" else 512
    if name == "agentic":  # one session after the other, as they stand in the folder
        table = replace(table, arrival_us=np.arange(len(table)) * 10**9)
    counted = counted_hits(name, size)
    assert ideal_hits(table, size) == counted
    instance = Instance(
        LatencyModel(alpha=(100, 0, 0), beta=(5000, 20, 30)), KV(blocks=2**31 - 1, block_size_tokens=size)
    )
    counters = simulate(Scenario(instance, Cluster(instances=1)), table).instances[0]
    assert (int(counters["lookup_hit_blocks"]), int(counters["lookup_blocks"])) == counted
