"""Public traces that were tried: where they are, under which licence, and how to recognise a copy.

The project holds none of their rows.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from blis.files import read_bytes, stored_bytes


class KnownTrace(NamedTuple):
    """A public trace.

    what: in words. repository, commit, path: where on github.com. licence: as the repository says.
    rows: requests, known_bytes: size, sha256: digest, all three of the part that was tried. lines: how many lines
    of the file that part is, 0 = all of it.
    """

    name: str
    what: str
    repository: str
    commit: str
    path: str
    licence: str
    format: str
    rows: int
    lines: int
    known_bytes: int
    sha256: str

    @property
    def part(self) -> str:
        """What of the file was tried, in words."""
        return f"first {self.lines} lines" if self.lines else "whole file"


KNOWN_TRACES = (
    KnownTrace(
        "mooncake-conversation",
        "chat service, prefix hashes, arrivals in batches",
        "kvcache-ai/Mooncake",
        "3b5a5941",
        "FAST25-release/traces/conversation_trace.jsonl",
        "Apache-2.0",
        "mooncake",
        4000,
        4000,
        1024138,
        "086b25e39eaaf2f7232c52a484724d660342d900dedf5f3730a940c921b29a6c",
    ),
    KnownTrace(
        "mooncake-synthetic",
        "public data sets, prefix hashes, Poisson arrivals",
        "kvcache-ai/Mooncake",
        "3b5a5941",
        "FAST25-release/traces/synthetic_trace.jsonl",
        "Apache-2.0",
        "mooncake",
        2000,
        2000,
        485944,
        "b675a484990b3d63403a72b3815d49f9cd8da9403446589f0a773f1b8c12a06e",
    ),
    KnownTrace(
        "azure-2023-code",
        "code completion service, lengths only",
        "Azure/AzurePublicDataset",
        "b469a113",
        "data/AzureLLMInferenceTrace_code.csv",
        "CC-BY-4.0",
        "azure",
        8819,
        0,
        320117,
        "54e9a6d2a4bd06ba1e060304b900abbc74cbea53de96506e60fe5bb4f2277fb6",
    ),
    KnownTrace(
        "azure-2023-conv",
        "conversation service, lengths only",
        "Azure/AzurePublicDataset",
        "b469a113",
        "data/AzureLLMInferenceTrace_conv.csv",
        "CC-BY-4.0",
        "azure",
        19366,
        0,
        719188,
        "2f1e5b666d4e3055fdbba98598ce2ec307767b9064e03e2fa46676dbcc7d0bf8",
    ),
    KnownTrace(
        "vidur-splitwise-conv",
        "azure-2023-conv with times from 0",
        "microsoft/vidur",
        "7d475133",
        "data/processed_traces/splitwise_conv.csv",
        "MIT; data CC-BY-4.0",
        "compact",
        3000,
        3001,
        57281,
        "4337b060d7a617ae8d224b69ae3524221f1da6ed472303d4bd3cdecffcf919eb",
    ),
)


def file_digest(path: str | Path) -> str:
    """The SHA-256 of a file, or of all of a folder's, by which a run says what it read. Raises InputError."""
    folder = Path(path).expanduser()
    files = sorted(file for file in folder.iterdir() if file.is_file()) if folder.is_dir() else [path]
    return _digest(b"".join(map(stored_bytes, files)))


def identify(path: str | Path) -> tuple[KnownTrace, bool] | None:
    """The known trace that a file is a copy of, and whether it is just the part that was tried.

    A file that goes on behind that part is taken for the rest of the same trace. None for any other file.
    """
    content = b"" if Path(path).expanduser().is_dir() else read_bytes(path)
    for trace in KNOWN_TRACES:
        if len(content) >= trace.known_bytes and _digest(content[: trace.known_bytes]) == trace.sha256:
            return trace, len(content) == trace.known_bytes
    return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
