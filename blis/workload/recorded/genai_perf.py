"""What genai-perf writes as profile_export.json: experiments, and in each its requests with the times of responses.

triton-inference-server/perf_analyzer @ 00168fe7 (genai_perf/profile_data_parser): `timestamp` and
`response_timestamps` in ns on the Unix clock, what was sent and what came back as texts. Nobody counted tokens: they
are known where responses have a `usage` (all that are not streamed), or where ids of tokens were sent and came back
(`triton_c_api`). Responses without content carry no token. Requests of one `session_id` are turns.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from blis.errors import InputError
from blis.json_strict import parse_json
from blis.workload.assemble import MAX_TOKENS
from blis.workload.read.json_rows import JsonRows, json_document
from blis.workload.recorded.beside import server_beside
from blis.workload.recorded.build import first_or_last, prompts, recording
from blis.workload.recorded.recording import Recording

KEYS = ("experiments", "request_inputs", "response_timestamps", "response_outputs", "window_boundaries", "service_kind")

_MOST_NS = 2**62
_CONTENT = re.compile(r'"(?:content|reasoning_content|text|text_output)"\s*:\s*"(?!")')


def load_genai_perf(path: str | Path) -> Recording:
    """The answered requests of all experiments of a file. Raises InputError naming file, request and key."""
    rows = _requests(path)
    start = rows.times("timestamp", _MOST_NS, "ns")
    answers = JsonRows(path, [_answer(row, where) for where, row in rows], rows.names)
    outputs = answers.integers("completion_tokens", 0, MAX_TOKENS, blank=0)
    if not outputs.any():
        raise InputError(
            f"{path}: no response has a `usage`, and genai-perf counts no tokens: measure without --streaming, or with"
            " AIPerf, its successor, which writes them"
        )
    end = answers.times("last", _MOST_NS, "ns", blank=-1)
    ok = (outputs > 0) & (end >= 0)
    first, notes = first_or_last(answers.times("first", _MOST_NS, "ns", blank=-1), end)
    return recording(
        Path(path).name,
        arrival_us=start / 1e3,
        first_token_us=first / 1e3,
        completed_us=end / 1e3,
        input_tokens=prompts(answers, "prompt_tokens", ok),
        output_tokens=outputs,
        ok=ok,
        request_ids=[f"request_{row}" for row in range(len(rows))],
        session=rows.texts("request_inputs.session_id"),
        client_side=True,
        server=server_beside(path),
        notes=notes,
    )


def _requests(path: str | Path) -> JsonRows:
    """The requests of all experiments."""
    document = json_document(path)
    experiments = document.get("experiments") if isinstance(document, dict) else None
    if not isinstance(experiments, list) or not all(isinstance(one, dict) for one in experiments):
        raise InputError(f"{path}: a JSON object with a list of experiments is expected")
    found: list[dict[str, Any]] = []
    names: list[str] = []
    for number, experiment in enumerate(experiments):
        requests = experiment.get("requests")
        if not isinstance(requests, list) or not all(isinstance(row, dict) for row in requests):
            raise InputError(f"{path}: experiments: item {number}: no list of requests")
        found += requests
        names += [f"experiments: item {number}: requests: item {place}" for place in range(len(requests))]
    if not found:
        raise InputError(f"{path}: no requests")
    return JsonRows(path, found, names)


def _answer(row: dict[str, Any], where: str) -> dict[str, Any]:
    """Tokens of a request by the names of `usage`, and when the `first` and the `last` of them came, where known."""
    times, outputs = row.get("response_timestamps"), row.get("response_outputs")
    if not isinstance(times, list) or not isinstance(outputs, list) or len(times) != len(outputs):
        raise InputError(f"{where}: response_timestamps and response_outputs must be lists of one length")
    texts = [str(output.get("response", "")) if isinstance(output, dict) else "" for output in outputs]
    told = [time for time, text in zip(times, texts, strict=True) if _CONTENT.search(text)] or times
    came = {"first": told[0] if len(told) > 1 else None, "last": told[-1]} if told else {}
    return {**(_counted(row, outputs) or _usage("".join(texts))), **came}


def _usage(text: str) -> dict[str, Any]:
    """The last `usage` of a response, which may have come as events, and those in pieces."""
    found: dict[str, Any] = {}
    for line in (text, *text.splitlines()):
        try:
            said = parse_json(line.strip().removeprefix("data:").strip())
        except ValueError:
            continue  # no JSON: the end of a stream, or a blank line
        usage = said.get("usage") if isinstance(said, dict) else None
        found = usage if isinstance(usage, dict) else found
    return {key: found.get(key) for key in ("prompt_tokens", "completion_tokens")}


def _counted(row: dict[str, Any], outputs: list[Any]) -> dict[str, int]:
    """Ids of tokens that were sent and that came back, counted; nothing if there are none."""
    sent = row["request_inputs"].get("input_ids") if isinstance(row.get("request_inputs"), dict) else None
    if not isinstance(sent, list):
        return {}
    came = [output.get("output_ids") if isinstance(output, dict) else None for output in outputs]
    tokens = sum(len(ids) if isinstance(ids, list) else int(isinstance(ids, int)) for ids in came)
    return {"prompt_tokens": len(sent), "completion_tokens": tokens}
