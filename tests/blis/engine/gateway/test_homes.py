"""Where prompts and sessions went last, by whom the next ones follow: blocks of 4 tokens."""

from __future__ import annotations

from blis.config import Compat, Routing
from blis.engine.observe import Observe
from blis.engine.run import simulate
from tests.blis.engine.plain_times import deployment, requests

AT_HOME = Routing("prefix-affinity")


def went(table, instances: int = 2, routing: Routing = AT_HOME, compat: Compat | None = None, **forced) -> list[int]:
    """Instance of every request; each arrives while all before it run, so that without a home the idle one is next."""
    observe = Observe(**forced) if forced else None
    return simulate(deployment(instances, routing=routing), table, compat, observe).instance.tolist()


def prompts(*parts: tuple[int, int]) -> list[list[int]]:
    """Prompts of so many common tokens and so many of their own."""
    return [[*range(common), *range(100 * row, 100 * row + own)] for row, (common, own) in enumerate(parts, start=1)]


def test_the_home_is_that_of_the_deepest_known_block():
    # 1 is sent to instance 1, and with it the first block; the second stays at 0, and 2 takes the first back
    table = requests(range(4), 9, prompts((8, 4), (4, 4), (8, 4), (4, 4)))
    assert went(table, forced_row=1, forced_instance=1) == [0, 1, 0, 0]


def test_a_beginning_that_is_unknown_further_on_is_at_home_where_it_is_known():
    # 1 knows the first two of the four common blocks of 2 and 3
    table = requests([0, 1, 2], 9, prompts((8, 4), (16, 4), (16, 8)))
    assert went(table) == [0, 0, 0]


def test_part_of_a_block_has_no_home():
    # the tokens 4 and 5 fill no block, so that the home of the first block counts, which 2 has moved
    table = requests(range(4), 9, [*prompts((6, 2), (4, 4), (6, 2)), [7, 7, 7, 7]])
    assert went(table, forced_row=1, forced_instance=1) == [0, 1, 1, 0]


def test_what_a_request_generates_has_no_home():
    # 1 says what 0 has said; its full block of answer is no home before somebody sends it as a prompt
    answer = [range(8, 12), [50]]
    table = requests(range(2), prompts=[range(8), range(12)], answers=answer)
    assert went(table) == [0, 0]
    beginning = [list(range(8)), [*range(4), 99, 98, 97, 96], list(range(12))]
    table = requests(range(3), prompts=beginning, answers=[range(8, 12), [1], [2]])
    assert went(table, forced_row=0, forced_instance=1) == [1, 1, 1]


def test_an_answer_that_was_generated_elsewhere_does_not_draw_anybody():
    # 0 at instance 0 generates tokens 4 to 11; 1, sent to 1, moves the home of the first block, and 2 follows it
    table = requests(range(3), prompts=[range(4), [*range(4), 77], range(12)], answers=[range(4, 13), [1] * 9, [2] * 9])
    assert went(table, forced_row=1, forced_instance=1) == [0, 1, 1]


def test_requests_without_a_session_move_nobody():
    table = requests(range(5), 9, session=[0, -1, -1, 0, -1])
    assert went(table, 3, Routing("session-affinity")) == [0, 1, 2, 0, 1]


def test_a_session_follows_its_last_request():
    table = requests(range(4), 9, session=[0, 0, 1, 0])
    assert went(table, 3, Routing("session-affinity"), forced_row=1, forced_instance=2) == [0, 2, 1, 2]


def test_the_exact_rule_looks_at_the_last_full_block_alone():
    table = requests(range(4), 9, prompts((8, 2), (8, 3), (8, 4), (9, 0)))
    assert went(table, 3, Routing("prefix-affinity-exact")) == [0, 0, 1, 0]
    assert went(table, 3, compat=Compat(exact_prefix_home=True)) == [0, 0, 1, 0]
