"""What prompts begin with in common, by hand."""

from __future__ import annotations

import pytest

from blis.workload.assemble import table_from_tokens
from blis.workload.write.prefixes import prefixes


def of(prompts, outputs=None):
    return prefixes(table_from_tokens(list(range(len(prompts))), prompts, outputs or [[9]] * len(prompts)))


def test_members_of_a_group_may_have_less_of_it():
    found = of([[1, 2, 3, 4, 5], [1, 2, 3, 4, 6], [1, 2], [7, 8]], [[], [], [], []])
    assert found.tokens.tolist() == [4, 4, 2, 0]
    assert len(set(found.group[:3].tolist())) == 1
    assert found.names[3] == "" != found.names[0] and found.complete


@pytest.mark.parametrize(
    "prompts", [[[1, 2, 3], [1, 2, 4], [1, 5, 6], [1, 5, 7]], [[1, 2, 3, 9], [1, 2, 3, 8], [1, 4, 5, 6], [1, 4, 5, 7]]]
)
def test_what_is_shared_behind_where_some_part_is_not_said(prompts):
    found = of(prompts)
    assert found.tokens.tolist() == [1, 1, 1, 1] and not found.complete


def test_a_prompt_that_goes_on_from_an_answer_shares_more_than_a_prefix():
    found = of([[1, 2], [1, 2, 3, 4, 5]], [[3, 4], [6]])
    assert found.tokens.tolist() == [2, 4] and not found.complete
