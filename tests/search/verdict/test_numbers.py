from __future__ import annotations

import json

import pytest

from blis.comparison.statistics import paired_comparison
from search.verdict.numbers import comparison_dict


def test_a_comparison_of_tables_is_plain_numbers_that_json_takes():
    found = json.loads(json.dumps(comparison_dict(paired_comparison([0.1, 0.2, 0.3, 0.15, 0.25], 1), 0.04)))
    assert found["mean"] == pytest.approx(0.2) and found["tables"] == 5 and found["p_holm"] == 0.04
    assert found["t"][0] < 0.2 < found["t"][1] and found["bca"][0] < 0.2 < found["bca"][1]
