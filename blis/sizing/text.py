"""What a policy can carry, as text for the terminal or as JSON."""

from __future__ import annotations

import json
from typing import Any

from blis.latency.standing import standing
from blis.sizing.sizing import Found, Promise, Sizing
from blis.text import aligned


def capacity_dict(sizing: Sizing, instances: Found | None) -> dict[str, Any]:
    """Everything as plain data. instances: the least number, None if it was not asked for."""
    share, interval = sizing.now()
    return {
        "promises": {name: vars(promise) for name, promise in sizing.classes.items()},
        "target": sizing.target,
        "tables": len(sizing.tables),
        "now": {
            "instances": sizing.scenario.cluster.instances,
            "rate": sizing.rate,
            "rate_counts": sizing.counted,
            "share": share,
            "interval_95": interval and list(interval),
        },
        "least_instances": None if instances is None else _found_dict(instances),
        "highest_rate": _found_dict(sizing.highest_rate()),
        "latency_model": standing(sizing.scenario.instance.latency_model).to_dict(),
    }


def capacity_json(facts: dict[str, Any]) -> str:
    """The same, every digit."""
    return json.dumps(facts, indent=2, allow_nan=False)


def capacity_text(facts: dict[str, Any], step_times: str) -> str:
    """The same for people."""
    now, least, rate = facts["now"], facts["least_instances"], facts["highest_rate"]
    unit = f" {now['rate_counts']}/s"
    at, plural = f"{now['rate']:.4g}{unit}", "" if now["instances"] == 1 else "s"
    with_instances = f"{now['instances']} instance{plural}"
    ends = "" if now["interval_95"] is None else " [{:.2%}, {:.2%}]".format(*now["interval_95"])
    rows = [(f"in time with {with_instances} at {at}", f"{now['share']:.2%}{ends}")]
    if least is not None:
        rows.append((f"least instances at {at}", _instances(least)))
    rows.append((f"highest rate with {with_instances}", _rate(rate, unit)))
    promises = ", ".join(_promise(name, Promise(**promise)) for name, promise in facts["promises"].items())
    tables = "one table, no interval" if facts["tables"] == 1 else f"{facts['tables']} tables, 95 % paired t"
    title = f"{100 * facts['target']:.4g} % of the requests in time ({promises}); {tables}"
    return "\n".join([title, "", aligned(rows), "", f"step times {step_times}"])


def _found_dict(found: Found) -> dict[str, Any]:
    """Plain data for JSON."""
    interval = found.interval and list(found.interval)
    return {"mean": found.mean, "interval_95": interval, "by_table": list(found.by_table), "tried": list(found.tried)}


def _instances(found: dict[str, Any]) -> str:
    """The mean, and how many are enough on every table; fewer may be enough where the least that was tried is."""
    fewer = "at most " if 1 < found["tried"][0] in found["by_table"] else ""
    most, tables = max(filter(None, found["by_table"]), default=0), len(found["by_table"])
    enough = "" if tables == 1 else f"; {most:.0f} {'is' if most == 1 else 'are'} enough on all {tables} tables"
    return fewer + _words(found, ".3g") + ("" if found["mean"] is None else enough)


def _rate(found: dict[str, Any], unit: str) -> str:
    """The mean; one that may be higher than what was tried is told as that."""
    more = "at least " if found["tried"][1] in found["by_table"] else ""
    return more + _words(found, ".4g") + ("" if found["mean"] is None else unit)


def _words(found: dict[str, Any], form: str) -> str:
    """A number and its interval, or where it was looked for."""
    if found["mean"] is None:
        missing, (least, most) = found["by_table"].count(None), found["tried"]
        return f"none from {least:{form}} to {most:{form}} on {missing} of {len(found['by_table'])} tables"
    ends = "" if found["interval_95"] is None else " [{:{form}}, {:{form}}]".format(*found["interval_95"], form=form)
    return f"{found['mean']:{form}}{ends}"


def _promise(name: str, promise: Promise) -> str:
    tpot = "" if promise.tpot_ms is None else f", TPOT {promise.tpot_ms:g} ms"
    return f"{name}: TTFT {promise.ttft_ms:g} ms{tpot}"
