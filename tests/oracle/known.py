"""Which templates the oracle knows: random cases draw from these alone, in the order of the registries.

A template that somebody adds is not in the oracle yet. It stays out of random cases, and `test_known.py` names it.
"""

from collections.abc import Collection

from blis.policies.admission import ADMISSION
from blis.policies.filters import FILTERS
from blis.policies.priority import PRIORITIES
from blis.policies.registry import Registry
from blis.policies.routing import ROUTING
from blis.policies.schedulers import SCHEDULERS
from blis.policies.scorers import SCORERS
from tests.oracle import admission, order, router, scorers

KNOWN: tuple[tuple[Registry, Collection[str]], ...] = (
    (ADMISSION, admission.POLICIES),
    (ROUTING, {*router.TEMPLATES, "weighted", "round-robin", "lmetric"}),
    (FILTERS, router.FILTERS),
    (SCORERS, scorers.SCORERS),
    (SCHEDULERS, order.SCHEDULERS),
    (PRIORITIES, order.PRIORITIES),
)


def known(registry: Registry) -> tuple[str, ...]:
    """The names of a registry that the oracle knows."""
    names = next(names for one, names in KNOWN if one is registry)
    return tuple(name for name in registry if name in names)


ADMISSION_POLICIES = known(ADMISSION)
ROUTING_POLICIES = known(ROUTING)
FILTER_NAMES = known(FILTERS)
SCORER_NAMES = known(SCORERS)
SCHEDULER_NAMES = known(SCHEDULERS)
PRIORITY_POLICIES = known(PRIORITIES)
