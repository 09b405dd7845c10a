"""Routers that have a policy by name and no weights: which names each release has, and what ours are there.

Lists from `router_args.py` of the two packages' wheels. The names differ between them: one table a product and version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from blis.deploy.notes import Notes
from blis.errors import InputError
from blis.policies.bundle import PolicyBundle

_LOAD = "the router counts its own requests in flight; here waiting, running and pending ones of each instance count"
_CACHE = (
    "an approximate tree of texts and a switch to the shortest queue when loads differ decide; here it is the home of"
    " the longest prefix, whatever its load"
)


class Router(NamedTuple):
    """names: the values of its `--policy`. ours: our routing policies -> its name, and how the two differ."""

    product: str
    names: tuple[str, ...]
    ours: Mapping[str, tuple[str, str]]


_BOTH: dict[str, tuple[str, str]] = {
    "round-robin": ("round_robin", ""),
    "random": ("random", ""),
    "power-of-two": ("power_of_two", _LOAD),
    "prefix-affinity": ("cache_aware", _CACHE),
}

ROUTERS = {
    "vllm-router": Router(
        "vllm-router 0.1.17",
        (
            "random",
            "round_robin",
            "cache_aware",
            "kv_aware",
            "power_of_two",
            "consistent_hash",
            "sticky_least_loaded",
        ),
        {
            **_BOTH,
            "session-affinity": (
                "sticky_least_loaded",
                "a session stays for as long as it lives, and new ones go where the fewest sessions are; here a loaded"
                " home is left",
            ),
        },
    ),
    "sglang-router": Router(
        "sglang-router 0.3.2",
        ("random", "round_robin", "cache_aware", "power_of_two", "manual"),
        {
            **_BOTH,
            "session-affinity": (
                "manual",
                "requests must carry a routing key; a session stays while it lives, here a loaded home is left",
            ),
        },
    ),
}

#: Arguments that go with a name.
_MORE = {"manual": ("--assignment-mode min_load",)}

#: The nearest of ours that such a router has, for those that it has not.
_NEAREST = {
    "least-loaded": "power-of-two",
    "lmetric": "prefix-affinity",
    "prefix-affinity-exact": "prefix-affinity",
    "always-busiest": "random",
}


def router_arguments(bundle: PolicyBundle, router: Router, notes: Notes) -> list[str]:
    """The lines of arguments. Raises InputError for what the router does not have."""
    policy = bundle.routing.policy
    if policy is None:
        raise InputError("routing.policy is not in the bundle, so that it says nothing of where requests go")
    if policy not in router.ours:
        raise _missing(f"routing.policy {policy!r}", router, _nearest(bundle))
    for key, there in (("routing.filters", bundle.routing.filters), ("flow_control", bundle.flow_control.enabled)):
        if there:
            raise _missing(key, router, "to leave it out")
    if (bundle.admission.policy or "always-admit") != "always-admit":
        raise _missing(f"admission.policy {bundle.admission.policy!r}", router, "always-admit")
    name, note = router.ours[policy]
    if note:
        notes.add(f"{name}: {note}")
    return [f"--policy {name}", *_MORE.get(name, ())]


def _nearest(bundle: PolicyBundle) -> str:
    """Weights on cached prefixes are nearest to a policy of prefixes, others to one of load."""
    prefixes = any("prefix" in scorer.name for scorer in bundle.routing.scorers or ())
    weighted = "prefix-affinity" if prefixes or bundle.routing.filters else "power-of-two"
    return _NEAREST.get(str(bundle.routing.policy), weighted)


def _missing(what: str, router: Router, nearest: str) -> InputError:
    names = ", ".join(router.names)
    return InputError(f"{what} has no counterpart in {router.product} ({names}); the nearest is {nearest}")
