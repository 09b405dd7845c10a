"""Faults in what is read of files that others recorded, and in what is written for others to read."""

from __future__ import annotations

from tests.mutants import Mutant

_READ, _RECORDED, _WRITE = (f"blis/workload/{part}" for part in ("read", "recorded", "write"))
_TESTS = "tests/blis/workload"
_CHATS = (f"{_TESTS}/read/test_chats.py",)
_SERVEGEN = (f"{_TESTS}/read/test_servegen.py",)
_CSV = (f"{_TESTS}/read/test_csv_requests.py",)
_GENAI = (f"{_TESTS}/recorded/test_genai_perf.py",)
_RUNS = (f"{_TESTS}/write/test_runs.py",)
_RESULTS = {name: (f"{_TESTS}/recorded/test_{name}.py",) for name in ("aiperf", "guidellm", "inference_perf")}

MUTANTS = (
    Mutant(
        f"{_READ}/chats.py", "last[name] = row", "last.setdefault(name, row)", _CHATS, "the first of a name is meant"
    ),
    Mutant(
        f"{_READ}/chats.py",
        "for row in order:",
        "for row in range(len(names)):",
        _CHATS,
        "parents by place in the file",
    ),
    Mutant(f"{_READ}/chats.py", '_NONE = ("", "-1")', '_NONE = ("",)', _CHATS, "who has no parent misses one"),
    Mutant(
        f"{_READ}/servegen.py", "{_TRACE, _DATASET} - set(files)", "{_DATASET} - set(files)", _SERVEGEN, "lengths alone"
    ),
    Mutant(
        f"{_READ}/servegen.py", "(?:\\.gz|\\.zst)?", "(?:\\.gz)?", _SERVEGEN, "clients that are packed are not there"
    ),
    Mutant(f"{_READ}/csv_requests.py", "turns: str = ARRIVALS", 'turns: str = "closed"', _CSV, "rows wait unasked"),
    Mutant(
        f"{_READ}/csv_requests.py", "if not turns:", "if turns:", _CSV, "sessions that come when they say are not said"
    ),
    Mutant(
        f"{_READ}/agentic.py",
        "if first.setdefault(session.name, where) != where:",
        "if not first.setdefault(session.name, where):",
        (f"{_TESTS}/read/test_agentic.py",),
        "a session twice",
    ),
    Mutant(
        f"{_READ}/measured.py",
        "(found.completed_us - found.requests.arrival_us)[found.scored]",
        "(found.completed_us - found.first_token_us)[found.scored]",
        (f"{_TESTS}/read/test_measured.py",),
        "pauses count from the first token's wait",
    ),
    Mutant(
        f"{_RECORDED}/trace_v2.py",
        'sheet.check_unique("request_id", ids.tolist())',
        "ids.sort()",
        (f"{_TESTS}/recorded/test_trace_v2.py",),
        "a row twice",
    ),
    Mutant(
        f"{_RECORDED}/vllm_bench.py",
        "if not (server.vllm or any(map(result.get, _VERSIONS))):",
        "if not server and not any(map(result.get, _VERSIONS)):",
        (f"{_TESTS}/recorded/test_vllm_bench.py",),
        "nobody knows by which release",
    ),
    Mutant(
        f"{_RECORDED}/genai_perf.py", '"\\s*:\\s*"(?!")', '"\\s*:\\s*"', _GENAI, "the role's chunk is the first token"
    ),
    Mutant(
        f"{_RECORDED}/genai_perf.py",
        '"last": told[-1]',
        '"last": times[-1]',
        _GENAI,
        "the end of the stream is a token",
    ),
    Mutant(
        f"{_RECORDED}/genai_perf.py",
        '_usage("".join(texts))',
        "_usage(texts[-1])",
        _GENAI,
        "only the last event counts",
    ),
    Mutant(
        f"{_RECORDED}/aiperf.py",
        "np.where(latency_us >= 0,",
        "np.where(latency_us < 0,",
        _RESULTS["aiperf"],
        "answers end with their streams",
    ),
    Mutant(f"{_RECORDED}/aiperf.py", "& ~cancelled", "| cancelled", _RESULTS["aiperf"], "the cancelled were answered"),
    Mutant(
        f"{_RECORDED}/guidellm.py",
        "warm_up=start < measured_from",
        "warm_up=start < 0",
        _RESULTS["guidellm"],
        "warm-up counts",
    ),
    Mutant(
        f"{_RECORDED}/inference_perf.py",
        "np.where(counts[0] >= 0, counts[0],",
        "np.where(counts[0] > 10**9, counts[0],",
        _RESULTS["inference_perf"],
        "the client's count of tokens counts",
    ),
    Mutant(
        f"{_WRITE}/mooncake.py", "if stands[row] < 0 <= before:", "if before == row:", _RUNS, "who never came is lost"
    ),
    Mutant(
        f"{_WRITE}/mooncake.py",
        "if delays[row] >= 0 else {}",
        "if came_us[row] < 0 else {}",
        _RUNS,
        "answers wait twice",
    ),
    Mutant(
        f"{_WRITE}/runs.py", "result.status != COMPLETED", "result.status < 0", _RUNS, "who is left out is not said"
    ),
    Mutant(
        f"{_WRITE}/runs.py",
        "replace(table, predecessor=None, think_us=None)",
        "replace(table)",
        _RUNS,
        "turns that wait for others wait for the one above",
    ),
)
