"""Faults on the way from a router's and an engine's configuration to a bundle, and back."""

from __future__ import annotations

from tests.mutants import Mutant

_DEPLOY, _TESTS = "blis/deploy", "tests/blis/deploy"

MUTANTS = (
    Mutant(
        f"{_DEPLOY}/arguments.py",
        '            _put(found, waiting, part, word)\n            waiting = ""\n',
        "            _put(found, waiting, part, word)\n",
        (f"{_TESTS}/test_arguments.py",),
        "the last of all words after an argument is its value",
    ),
    Mutant(
        f"{_DEPLOY}/arguments.py",
        'r"--?[A-Za-z]"',
        'r"--[A-Za-z]"',
        (f"{_TESTS}/test_arguments.py",),
        "a short name is the value of the argument before it",
    ),
    Mutant(
        f"{_DEPLOY}/arguments.py",
        "value if equals else waiting == long",
        "value if equals else True",
        (f"{_TESTS}/test_arguments.py", f"{_TESTS}/test_vllm.py"),
        "what is switched off is on",
    ),
    Mutant(
        f"{_DEPLOY}/arguments.py",
        r'(r"(^|\s)#.*")',
        r'(r"#.*")',
        (f"{_TESTS}/test_arguments.py",),
        "a number sign within a word begins a comment",
    ),
    Mutant(
        f"{_DEPLOY}/vllm.py",
        'KNOBS | ({"max_running": ACTIVE} if ACTIVE in given else {})',
        "KNOBS",
        (f"{_TESTS}/test_vllm.py",),
        "a limit on running requests is not read",
    ),
    Mutant(
        f"{_DEPLOY}/vllm.py",
        "budget < running",
        "budget > running",
        (f"{_TESTS}/test_vllm.py",),
        "a budget that vLLM does not start with is exported",
    ),
    Mutant(
        f"{_DEPLOY}/vllm.py",
        '"preemption": "priority"',
        '"preemption": "tail"',
        (f"{_TESTS}/test_vllm.py",),
        "theirs preempts who came last, whatever its priority",
    ),
    Mutant(
        f"{_DEPLOY}/weights.py",
        "max(1, round(",
        "max(0, round(",
        (f"{_TESTS}/test_weights.py",),
        "a scorer of a tiny weight is lost",
    ),
    Mutant(
        f"{_DEPLOY}/weights.py",
        "lcm(*(one.denominator for one in exact))",
        "1",
        (f"{_TESTS}/test_weights.py",),
        "weights are cut to whole numbers",
    ),
    Mutant(
        f"{_DEPLOY}/import_routing.py",
        'if one["weight"]]',
        "]",
        (f"{_TESTS}/test_import_routing.py", f"{_TESTS}/test_import_epp.py"),
        "a scorer of weight 0 is one of the bundle",
    ),
    Mutant(
        f"{_DEPLOY}/import_routing.py",
        "(counterpart.producer == PRECISE) != precise",
        "(counterpart.producer == PRECISE) == precise",
        (f"{_TESTS}/test_import_routing.py", f"{_TESTS}/test_import_epp.py"),
        "the router's index of prefixes is taken for the engines' caches",
    ),
    Mutant(
        f"{_DEPLOY}/import_routing.py",
        "float(-int(-limit // 1) - 1)",
        "float(-int(-limit // 1))",
        (f"{_TESTS}/test_import_routing.py",),
        "a filter lets an instance through that waits as long as its threshold",
    ),
    Mutant(
        f"{_DEPLOY}/export_routing.py",
        'float(values["max_waiting"] // 1) + 1',
        'float(values["max_waiting"] // 1)',
        (f"{_TESTS}/test_export_routing.py", f"{_TESTS}/test_export_epp.py"),
        "the exported filter lets one waiting request less through",
    ),
    Mutant(
        f"{_DEPLOY}/export_routing.py",
        "value = 0.0 if value >= counterpart.off[ours] else value",
        "value = value",
        (f"{_TESTS}/test_export_routing.py", f"{_TESTS}/test_export_epp.py"),
        "what never happens here happens at a huge number there",
    ),
    Mutant(
        f"{_DEPLOY}/export_control.py",
        'detector == "never"\n        queued',
        'detector != "never"\n        queued',
        (f"{_TESTS}/test_export_control.py", f"{_TESTS}/test_export_epp.py"),
        "a detector with thresholds never sees a full pool",
    ),
    Mutant(
        f"{_DEPLOY}/import_control.py",
        'if config.gate("flowControl") or _never(detector):',
        "if _never(detector):",
        (f"{_TESTS}/test_import_control.py",),
        "requests that wait at the gateway are shed, too",
    ),
    Mutant(
        f"{_DEPLOY}/import_control.py",
        'config.dialect.ttl_us,\n        "priority_bands"',
        '0,\n        "priority_bands"',
        (f"{_TESTS}/test_import_control.py",),
        "requests wait at the gateway for ever",
    ),
    Mutant(
        f"{_DEPLOY}/schema.py",
        "return -int(-number // 1000)",
        "return int(number // 1000)",
        (f"{_TESTS}/test_schema.py",),
        "thousandths are rounded down",
    ),
    Mutant(
        f"{_DEPLOY}/config.py",
        "if name in found:",
        "if kind in found:",
        (f"{_TESTS}/test_config.py",),
        "two plugins of one name are not seen",
    ),
    Mutant(
        f"{_DEPLOY}/helm.py",
        'f"{document.source}: {name}"',
        "document.source",
        (f"{_TESTS}/test_helm.py",),
        "lines of the inner file are told as those of the outer",
    ),
)
