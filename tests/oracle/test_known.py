"""Templates that the oracle does not know yet: they stay out of random cases, and are named here."""

import pytest

from blis.policies.scorers import SCORERS
from tests.oracle.known import KNOWN, SCORER_NAMES, known

#: kind -> names. One that is added to the oracle leaves this list.
UNKNOWN: dict[str, set[str]] = {}


@pytest.mark.parametrize(("registry", "names"), KNOWN, ids=lambda one: getattr(one, "kind", ""))
def test_every_template_is_in_the_oracle_or_named_as_missing(registry, names):
    assert set(registry) - set(names) == UNKNOWN.get(registry.kind, set())
    assert set(names) <= set(registry)


def test_a_new_template_stays_out_of_random_cases():
    @SCORERS.register("nobody-knows")
    def scorer(views, ask):
        """Nothing."""

    try:
        assert known(SCORERS) == SCORER_NAMES
    finally:
        SCORERS.forget("nobody-knows")
