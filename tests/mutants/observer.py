"""Faults in what a client does to a server, and in what it says of it."""

from __future__ import annotations

from tests.mutants import Mutant

_CODE, _TESTS = "blis/observe", "tests/blis/observe"

#: The module, what stands there, what stands there instead, why that is wrong.
_FAULTS = (
    ("sse", "self._after_cr = data.endswith(b", "self._after_cr = not data.endswith(b", "CR and LF in two pieces"),
    ("sse", '.replace(b"\\r", b"\\n")', "", "lines that end in CR alone"),
    ("sse", 'value.removeprefix(b" ")', 'value.lstrip(b" ")', "blanks of the data itself"),
    ("sse", "+ sum(map(len, self._data)) >", ">", "an event of endlessly many lines"),
    ("answers", "if part.get(key)]", "if key in part]", "chunks without text count"),
    ("answers", "self.finish = str(choice.get(", "self.finish = str(not choice.get(", "all chunks are the last"),
    ("answers", "type(count) is int and 0 <= count <= MAX_TOKENS", "count", "counts that are none"),
    (
        "answers",
        "if problem := error_in(chunk):",
        "if (problem := error_in(chunk)) and not chunk:",
        "errors in a stream",
    ),
    ("asking", "max(output_tokens, 1)", "output_tokens", "nobody may ask for no token"),
    ("asking", "if url.userinfo:", "if False:", "a password in the address"),
    ("breaker", "self._until_us = now_us + self._open_us\n        return True", "return True", "all try after a pause"),
    (
        "breaker",
        "self.failures = 0\n        self._most",
        "self.failures = 4\n        self._most",
        "opens at once",
    ),
    (
        "connections",
        "self._free.pop() if self._free else self._another()",
        "self._another()",
        "no connection is used again",
    ),
    ("endpoint", "if seen.tries > self.asking.retries:", "if seen.tries > self.asking.retries + 1:", "a try too many"),
    ("endpoint", "_BUSY = (429, 502, 503, 504)", "_BUSY = (429, 500, 502, 503, 504)", "errors are asked for again"),
    ("endpoint", "if not answer.complete:\n            raise", "if False:\n            raise", "half an answer is one"),
    ("endpoint", "self.breaker.missed(self.clock.now_us())", "pass", "the breaker never opens"),
    ("endpoint", "if after_s is None else after_s", "if True else after_s", "Retry-After is not heeded"),
    ("endpoint", "limit.reschedule(", "(lambda _: None)(", "a stream that stays open is waited for"),
    ("endpoint", "text = text.replace(secret, name) if secret else text", "text = text", "the key is told"),
    (
        "endpoint",
        'return self._broken(seen, answer, "an answer without text")',
        "pass",
        "an answer without text is one",
    ),
    ("dispatch", "if seen.ok:\n", "if True:\n", "turns go on after a failure"),
    ("dispatch", "ends_us[parent] + self._think_us(row)", "ends_us[parent]", "who was not sent came without a pause"),
    ("dispatch", "async with self._slots:", "async with nullcontext():", "no limit"),
    (
        "prompts",
        "self._lengths.words(tokens) - first]",
        "self._lengths.words(tokens)]",
        "prompts with a part of the answer",
    ),
    ("prompts", "len(WORDS) ** place % len(WORDS)", "len(WORDS) ** 9 % len(WORDS)", "prompts that begin alike"),
    ("prompts", "(tokens - self.other_tokens)", "tokens", "the template is forgotten"),
    ("scrape", "sum(values[kv]) / engines", "sum(values[kv])", "caches of engines add up"),
    ("record", "first_id=observed.warmed_up", "first_id=0", "the first rows are taken for the warm-up"),
    ("record", "one.due_us if one.sent_us < 0 else one.sent_us", "one.sent_us", "sent before 1970"),
    (
        "report",
        "one.chunk_us[0] - one.sent_us for one in whole",
        "one.chunk_us[0] - one.due_us for one in whole",
        "TTFT from the plan on",
    ),
    ("report", "max(one.output_tokens - 1, 1)", "max(len(one.chunk_us) - 1, 1)", "TPOT between chunks"),
    ("report", "one.ok and _keeps(", "_keeps(", "failed requests are good"),
    (
        "observe",
        "if (task := asyncio.current_task()) is not None and task.cancelling():",
        "if False:",
        "Ctrl-C is not heard",
    ),
    (
        "observe",
        "hello.input_tokens - lengths.word_tokens",
        "lengths.other_tokens",
        "the server's template is not known",
    ),
)

MUTANTS = tuple(
    Mutant(f"{_CODE}/{module}.py", old, new, (f"{_TESTS}/test_{module}.py",), why) for module, old, new, why in _FAULTS
)
