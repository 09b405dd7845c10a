import hashlib

import pytest

from blis.errors import InputError
from blis.workload.read import known_traces
from blis.workload.read.known_traces import KNOWN_TRACES, file_digest, identify
from blis.workload.read.trace_formats import FORMATS, detect_format
from tests.blis.workload.trace_files import (
    AZURE_CODE,
    AZURE_CONVERSATION,
    COMPACT,
    MOONCAKE_CONVERSATION,
    MOONCAKE_SYNTHETIC,
    needs_samples,
)


def test_entries_are_complete():
    assert len({trace.name for trace in KNOWN_TRACES}) == len(KNOWN_TRACES)
    for trace in KNOWN_TRACES:
        assert trace.format in FORMATS
        assert all(trace[:6])
        assert len(bytes.fromhex(trace.sha256)) == 32
        assert "://" not in "".join(map(str, trace))


def test_a_copy_and_a_longer_file_are_recognised(tmp_path, monkeypatch):
    trace = KNOWN_TRACES[0]._replace(known_bytes=6, sha256=hashlib.sha256(b"row 1\n").hexdigest())
    monkeypatch.setattr(known_traces, "KNOWN_TRACES", (trace,))
    path = tmp_path / "t"
    for content, found in ((b"row 1\n", (trace, True)), (b"row 1\nrow 2\n", (trace, False)), (b"row 2\n", None)):
        path.write_bytes(content)
        assert identify(path) == found
        assert file_digest(path) == hashlib.sha256(content).hexdigest()


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="missing"):
        file_digest(tmp_path / "missing")


@needs_samples
@pytest.mark.parametrize(
    ("path", "name"),
    [
        (MOONCAKE_CONVERSATION, "mooncake-conversation"),
        (MOONCAKE_SYNTHETIC, "mooncake-synthetic"),
        (AZURE_CODE, "azure-2023-code"),
        (AZURE_CONVERSATION, "azure-2023-conv"),
        (COMPACT, "vidur-splitwise-conv"),
    ],
)
def test_the_samples_are_what_the_list_says(path, name):
    trace, exact = identify(path)
    assert (trace.name, exact) == (name, True)
    assert detect_format(path) == trace.format
    assert len(FORMATS[trace.format].parse(path)) == trace.rows
    assert trace.lines in (0, path.read_bytes().count(b"\n"))
