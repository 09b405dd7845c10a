"""Tiny files in the layouts of public traces, and where real samples are if this machine has them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from blis.errors import InputError
from tests.places import TRACES as SAMPLES

MOONCAKE_CONVERSATION = SAMPLES / "mooncake" / "conversation_trace_first4000.jsonl"
MOONCAKE_SYNTHETIC = SAMPLES / "mooncake" / "synthetic_trace_first2000.jsonl"
AZURE_CODE = SAMPLES / "azure" / "AzureLLMInferenceTrace_code.csv"
AZURE_CONVERSATION = SAMPLES / "azure" / "AzureLLMInferenceTrace_conv.csv"
COMPACT = SAMPLES / "vidur" / "splitwise_conv_first3000.csv"

needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the trace samples are not on this machine")


def mooncake_row(timestamp: object, input_length: object, output_length: object, hash_ids: object) -> str:
    row = {"timestamp": timestamp, "input_length": input_length, "output_length": output_length, "hash_ids": hash_ids}
    return json.dumps(row)


def write_mooncake(path: Path, rows) -> Path:
    path.write_text("".join(mooncake_row(*row) + "\n" for row in rows))
    return path


def random_mooncake_rows(seed: int, n: int, gap_ms: int = 3000) -> list[tuple[int, int, int, list[int]]]:
    """Conversations over a few first blocks; later blocks are new, or those of an earlier request."""
    random = np.random.default_rng(seed)
    chains: list[list[int]] = [[0], [1]]
    rows, new, time_ms = [], 3, 0
    for _ in range(n):
        ids = list(chains[random.integers(len(chains))])
        ids = ids[: random.integers(1, len(ids) + 1)]
        for _ in range(random.integers(0, 5)):
            ids.append(new)
            new += 1
        if len(ids) > 1:
            chains.append(ids[:-1])  # what others go on from has full blocks
        tokens = 512 * len(ids) - (int(random.integers(0, 512)) if ids[-1] == new - 1 else 0)
        rows.append((time_ms, tokens, int(random.integers(0, 20)), ids))
        time_ms += int(random.integers(0, gap_ms))
    return rows


def write_azure(path: Path, rows, header: str = "TIMESTAMP,ContextTokens,GeneratedTokens") -> Path:
    path.write_bytes("\r\n".join([header, *rows]).encode())
    return path


def error_of(load, path, *lines):
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError) as info:
        load(path)
    text = str(info.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")
