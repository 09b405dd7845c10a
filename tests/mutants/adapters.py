"""Faults of LoRA adapters: who joins a batch, what is in memory, what is waited for, seen, shared and told."""

from __future__ import annotations

from tests.mutants import Mutant

_ADAPTERS = "blis/engine/instance/adapters.py"
_QUEUE = "blis/engine/instance/queue.py"
_BATCH = "blis/engine/instance/batch.py"
_LATENCY = "blis/engine/instance/latency.py"
_SEEN = "blis/engine/gateway/adapters.py"
_SIGNALS = "blis/engine/gateway/signals.py"
_CONTENT = "blis/workload/content/adapters.py"
_DRAW = "blis/workload/draw/adapters.py"
_WHO = "blis/workload/draw/who.py"
_LAWS = "blis/evaluation/adapter_laws.py"
_BY_HAND = ("tests/blis/engine/instance/test_adapters.py",)
_ORACLE = ("tests/laws/test_lora.py",)
_ROUTER = ("tests/blis/engine/gateway/test_adapters.py",)
_LAW_TESTS = ("tests/blis/evaluation/test_adapter_laws.py",)
_DRAW_TESTS = ("tests/blis/workload/draw/test_adapters.py",)

MUTANTS = (
    Mutant(
        _ADAPTERS,
        "    return a != NONE and w.adapters[i, a].members == 0 and",
        "    return a != NONE and",
        _BY_HAND,
        "a full batch bars whose adapter it has",
    ),
    Mutant(
        _ADAPTERS,
        "on_gpu = instance.adapters + _place(w, i, a) < engine.max_loras",
        "on_gpu = _place(w, i, a) < engine.max_loras",
        _ORACLE,
        "adapters of the batch take no places on the GPU",
    ),
    Mutant(
        _ADAPTERS,
        "if instance.adapters + instance.idle_size == engine.most_adapters:",
        "if instance.idle_size == engine.most_adapters:",
        _ORACLE,
        "adapters of the batch take no places in memory",
    ),
    Mutant(
        _ADAPTERS, "oldest = instance.idle_adapters.tail", "oldest = instance.idle_adapters.head", _BY_HAND,
        "the one that was used latest makes room",
    ),
    Mutant(
        _ADAPTERS,
        "    return engine.adapter_load_us + engine.adapter_fetch_us",
        "    return engine.adapter_fetch_us",
        _BY_HAND,
        "what is fetched needs no load",
    ),
    Mutant(
        _ADAPTERS,
        "w.adapters[i, after].last_step == instance.steps and after < a",
        "w.adapters[i, after].last_step == instance.steps and after > a",
        _BY_HAND,
        "of those used last in one step the highest number counts as the latest",
    ),
    Mutant(
        _ADAPTERS,
        "        instance.outside -= adapter.waiting\n",
        "",
        _ORACLE,
        "who waits for an adapter that has come into the batch is passed over",
    ),
    Mutant(
        _ADAPTERS,
        "    instance.outside += adapter.waiting\n",
        "",
        _ORACLE,
        "who waits for an adapter that has left the batch may join a full one",
    ),
    Mutant(
        _ADAPTERS,
        "        instance.transfer_us += waits_us\n",
        "",
        _BY_HAND,
        "a step does not wait for adapters",
    ),
    Mutant(
        _QUEUE,
        "        put(w, i, r, True)\n",
        "        put(w, i, r, False)\n",
        _BY_HAND,
        "whoever is passed over goes to the end of the queue",
    ),
    Mutant(
        _QUEUE,
        "        r = aside.tail\n",
        "        r = aside.head\n",
        _ORACLE,
        "those who are passed over change places",
    ),
    Mutant(_BATCH, "        put_back(w, i)\n", "", _BY_HAND, "whoever is passed over is never seen again"),
    Mutant(
        _LATENCY,
        "    return _with_adapters(w, i, int(_constant_us(w.engines[i].latency, w.latencies[i], step)))",
        "    return int(_constant_us(w.engines[i].latency, w.latencies[i], step))",
        _BY_HAND,
        "adapters cost nothing in steps that are leapt over",
    ),
    Mutant(
        "blis/engine/instance/life.py",
        "    clear_adapters(w, i)\n",
        "",
        _BY_HAND,
        "adapters outlive a failure",
    ),
    Mutant(
        "blis/engine/instance/leap.py",
        "admissible(w, i) + instance.arrived > 0",
        "instance.queue_depth + instance.arrived > 0",
        _BY_HAND,
        "who cannot join holds up leaps",
        equal="steps one by one come to the same",
    ),
    Mutant(
        _SEEN,
        "    return w.instances[i].adapters + w.instances[i].waiting_adapters",
        "    return w.instances[i].adapters",
        _ROUTER,
        "adapters that wait take no place in the router's view",
    ),
    Mutant(
        _SEEN,
        "(ACTIVE if adapter.members > 0 else 0)",
        "(ACTIVE if adapter.held > 0 else 0)",
        _ORACLE,
        "what is in memory counts as active",
    ),
    Mutant(
        _SIGNALS,
        "                    read_adapters(w, i)\n",
        "                    pass\n",
        _ROUTER,
        "an old signal is never read",
    ),
    Mutant(
        "blis/policies/scorers.py",
        "        elif view.adapters < view.max_loras:\n",
        "        elif view.adapters <= view.max_loras:\n",
        ("tests/blis/policies/test_scorers.py",),
        "there is room where all places are taken",
    ),
    Mutant(
        _CONTENT,
        "+ adapter[row] + 1",
        "+ np.maximum(adapter[row], 0)",
        ("tests/blis/workload/content/test_adapters.py",),
        "the first adapter shares with the base model",
    ),
    Mutant(_DRAW, "** -self.zipf", "** self.zipf", _DRAW_TESTS, "the last adapter is asked for most"),
    Mutant(_DRAW, "chance < self.share, tenant", "chance < 1, tenant", _DRAW_TESTS, "no tenant is for the base model"),
    Mutant(
        _WHO,
        "streams(\"adapter\"), tenant[rows]",
        "streams(\"input\"), tenant[rows]",
        _DRAW_TESTS,
        "adapters are drawn from the stream of prompts",
    ),
    Mutant(
        _LAWS,
        "np.concatenate([first[begins], ends + 1])",
        "np.concatenate([first[begins], ends])",
        _LAW_TESTS,
        "an adapter is gone before its last step",
    ),
    Mutant(_LAWS, "(result.preemptions == 0)", "True", _ORACLE, "who is out of the batch in between is a member"),
)  # fmt: skip
