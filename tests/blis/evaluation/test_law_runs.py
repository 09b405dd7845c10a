"""Laws are told of every request, of every instance, and of the times at which instances were down."""

import numpy as np

from blis.engine.build.lives import Span
from blis.evaluation.law_runs import LIMITS, SPAN, Run
from blis.tables.results import ResultTable


def test_what_is_taken_of_the_results_has_their_names():
    taken = Run._fields[Run._fields.index("status") : Run._fields.index("retries") + 1]
    assert set(taken) <= set(ResultTable.__dataclass_fields__)


def test_spans_and_limits_are_what_tuples_make_them():
    (span,) = np.array([Span(1, 20, 30)], SPAN)
    assert (span["instance"], span["from_us"], span["to_us"]) == (1, 20, 30)
    (limits,) = np.array([(100, 8, 1, 3)], LIMITS)
    assert (limits["blocks"], limits["max_running"], limits["tiers"]) == (100, 8, 1)
