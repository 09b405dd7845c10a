from dataclasses import replace

import numpy as np
import pytest

from blis.errors import InputError
from blis.evaluation.slo import SLOClass, class_targets, good_requests, with_shares
from blis.tables.records import QUEUED
from tests.blis.handmade import make_result, make_table

FAST, SLOW = SLOClass("fast", 100, 10, 0.4), SLOClass("slow", 1000, 20, 0.6)


def test_targets_follow_the_class_whatever_the_order_of_names():
    table = make_table(3, slo_class=[0, 1, 0], slo_names=("slow", "fast"))
    targets = class_targets(table, [FAST, SLOW])
    assert targets.declared.tolist() == [1, 0, 1]
    assert targets.ttft_us.tolist() == [1000, 100, 1000]
    assert targets.tpot_us.tolist() == [20, 10, 20]


def test_requests_without_a_class_are_default():
    table = make_table(1, slo_names=("",))
    assert class_targets(table, [SLOClass("default", 7, 8, 1)]).ttft_us.tolist() == [7]
    with pytest.raises(InputError, match="unknown SLO class of the requests 'default'"):
        class_targets(table, [FAST, SLOW])


def test_targets_are_met_at_the_target():
    table = make_table(6, slo_names=("fast",), output_tokens=[11, 11, 11, 11, 1, 0])
    result = make_result(
        table, [100, 101, 100, 100, 100, 100], [10, 10, 10.1, 10, 99, 99], status=[0, 0, 0, QUEUED, 0, 0]
    )
    good = good_requests(table, result, class_targets(table, [FAST]))
    assert good.tolist() == [True, False, False, False, True, True]
    assert good.dtype == np.bool_


def test_one_token_has_no_pace_to_keep():
    """Its end-to-end latency may hold an overhead that is not the pace of tokens to come."""
    table = make_table(3, slo_names=("fast",), output_tokens=[1, 2, 0])
    result = make_result(table, 100)
    late = replace(result, e2e_us=result.e2e_us + 11)
    assert good_requests(table, late, class_targets(table, [FAST])).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([SLOClass("fast", 1, 1, 0)], "SLO classes: the weight of fast is 0; at least one must be above"),
        ([], "the weight of nothing is 0"),
        ([FAST, SLOClass("fast", 1, 1, 0.6)], "given twice"),
    ],
)
def test_classes_that_do_not_fit_together(classes: list[SLOClass], message: str):
    with pytest.raises(InputError, match=message):
        with_shares(classes)


def test_weights_become_shares_and_shares_stay_to_the_digit():
    assert with_shares([FAST, SLOW]) == (FAST, SLOW)
    doubled = [replace(one, weight=2 * one.weight) for one in (FAST, SLOW)]
    assert [one.weight for one in with_shares(doubled)] == pytest.approx([FAST.weight, SLOW.weight])
    assert with_shares([FAST])[0].weight == 1


@pytest.mark.parametrize("values", [(0, 10, 1), (10, -1, 1), (10, 10, -0.5), (10, 10, float("nan")), (1.5, 10, 1)])
def test_impossible_targets(values):
    with pytest.raises(InputError, match="SLO class 'x'"):
        SLOClass("x", *values)
