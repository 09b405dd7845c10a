"""Faults in how instances come and go: what is recommended, what of it is done, who goes, what it costs."""

from __future__ import annotations

from tests.mutants import Mutant

_SCALING = "blis/engine/gateway/autoscaling.py"
_FLEET = "blis/engine/gateway/fleet.py"
_QUEUE = "blis/engine/gateway/queue.py"
_DECIDE = "blis/engine/gateway/decide.py"
_LIVES = "blis/engine/gateway/lives.py"
_BUILD = "blis/engine/build/fleet.py"
_PAID = "blis/evaluation/fleet.py"
_RULES = ("tests/blis/engine/gateway/test_autoscaling.py",)
_BY_HAND = ("tests/blis/engine/gateway/test_fleet.py",)
_ORACLE = ("tests/laws/test_autoscaling.py",)
_SUMS = ("tests/blis/evaluation/test_fleet.py",)

MUTANTS = (
    Mutant(_SCALING, "<= tolerance:", "< tolerance:", _RULES, "what is just near enough is not"),
    Mutant(
        _SCALING,
        "    waiting = w.cluster.waiting + 0.0\n",
        "    waiting = 0.0\n",
        _RULES,
        "who waits at the gateway does not count",
    ),
    Mutant(
        _SCALING,
        "if w.fleet[i].state != READY or instance.down != 0:",
        "if w.fleet[i].state != READY:",
        _ORACLE,
        "who has failed is read",
    ),
    Mutant(
        _SCALING,
        "return instance.busy_us - max(min(instance.busy_until_us, w.config.horizon_us) - now_us, 0)",
        "return instance.busy_us",
        _ORACLE,
        "a step counts as a whole when it begins",
    ),
    Mutant(
        _SCALING,
        "look.time_us > now_us - scaling.down_window_us:",
        "look.time_us >= now_us - scaling.down_window_us:",
        _RULES,
        "the window down is one look longer",
    ),
    Mutant(
        _SCALING,
        "            least = min(least, look.recommended)\n",
        "            least = look.recommended\n",
        _RULES,
        "the window up looks at its first look alone",
    ),
    Mutant(
        _SCALING,
        "math.ceil(before * scaling.up_percent / 100.0)",
        "math.floor(before * scaling.up_percent / 100.0)",
        _RULES,
        "a share of the way up is rounded down",
    ),
    Mutant(
        _SCALING,
        "before = current - _changed(w, now_us - scaling.down_period_us)",
        "before = current",
        _ORACLE,
        "a period down forgets what went in it",
    ),
    Mutant(
        _SCALING,
        "    elif look.recommended > 0:\n",
        "    elif look.recommended > 1:\n",
        _ORACLE,
        "an empty cluster stays so",
    ),
    Mutant(
        _FLEET,
        "    instance.offline |= NOT_THERE\n",
        "",
        (*_BY_HAND, *_ORACLE),
        "the router sends requests to one that drains",
    ),
    Mutant(_FLEET, "    clear_index(w, i)\n", "", _ORACLE, "the router remembers what one that goes had cached"),
    Mutant(_FLEET, "    limit_life(w, i, gone_us)\n", "", _BY_HAND, "a step goes on when its instance is gone"),
    Mutant(
        _FLEET,
        "w.instances[i].busy_until_us >= now_us",
        "w.instances[i].busy_until_us > now_us",
        _BY_HAND,
        "a step that ends as its instance goes is broken off",
    ),
    Mutant(
        _FLEET,
        "return in_flight(w, i) <= in_flight(w, other)",
        "return in_flight(w, i) < in_flight(w, other)",
        _BY_HAND,
        "of equal ones the lowest number goes",
    ),
    Mutant(
        _FLEET,
        "return w.fleet[i].started_us >= w.fleet[other].started_us",
        "return w.fleet[i].started_us < w.fleet[other].started_us",
        _ORACLE,
        "of those that load the first to be started goes",
    ),
    Mutant(
        _FLEET,
        "        if w.instances[i].busy_until_us >= fleet_us:\n            return True\n",
        "        pass\n",
        _ORACLE,
        "nobody looks while the last step of all runs",
    ),
    Mutant(
        _LIVES,
        "        limit_life(w, i, w.fleet[i].turn_us)\n",
        "        pass\n",
        _ORACLE,
        "one that drains and was out of order meanwhile does not go",
    ),
    Mutant(
        _QUEUE,
        "    return there if online > 0 else 0\n",
        "    return there\n",
        _ORACLE,
        "the gateway sends requests to nobody",
    ),
    Mutant(
        _DECIDE, "            activate(w, now_us)\n", "            pass\n", _BY_HAND, "nobody is started for who waits"
    ),
    Mutant(
        _BUILD,
        "(start_us // sync_us + 1) * sync_us",
        "(start_us // sync_us) * sync_us",
        ("tests/blis/engine/build/test_fleet.py",),
        "the first look is before the first arrival",
    ),
    Mutant(_PAID, "(state == LOADING).astype", "(state == READY).astype", _SUMS, "who loads costs nothing"),
    Mutant(
        _PAID,
        'np.searchsorted(time_us, result.arrival_us, side="right")',
        'np.searchsorted(time_us, result.arrival_us, side="left")',
        _SUMS,
        "who comes at the instant of an arrival is paid before",
    ),
)
