from __future__ import annotations

from blis.engine.live.entrance import Entrance
from blis.engine.live.rooms import Coming, Rooms
from tests.blis.engine.live.small import LIMITS, scenario, tokens


def made() -> tuple[Rooms, Entrance]:
    rooms = Rooms(scenario(), ("",), LIMITS)
    return rooms, Entrance(rooms)


def coming(prompt: int, answer: int = 5) -> Coming:
    return Coming(0, prompt, answer, 0, 0.0)


def test_requests_that_begin_alike_have_nodes_in_common():
    _, entrance = made()
    _, first = entrance.take(coming(16), tokens(0, 16))
    _, second = entrance.take(coming(24), tokens(0, 24))
    _, other = entrance.take(coming(16), tokens(500, 16))
    assert second[:4].tolist() == first.tolist() and not set(other.tolist()) & set(second.tolist())


def test_whoever_leaves_makes_room():
    rooms, entrance = made()
    taken = [entrance.take(coming(4), tokens(10 * k, 4)) for k in range(15)]
    assert entrance.take(coming(4), tokens(900, 4)) is None and rooms.full
    entrance.leave(*taken[3])
    assert entrance.take(coming(4), tokens(900, 4)) is not None


def test_an_answer_that_is_known_is_on_the_path_and_one_that_is_not_is_not():
    rooms, entrance = made()
    (known, _), (unknown, _) = entrance.take(coming(8, 8), tokens(0, 16)), entrance.take(coming(8, 8), tokens(0, 8))
    rows = rooms.state.arrays.rows
    lengths = (rows.path_end - rows.path_begin)[[known, unknown]]
    assert lengths.tolist() == [4, 2]


def test_tenants_and_sessions_beyond_their_number_share_or_replace():
    _, entrance = made()
    numbers = []
    for tenant, session in (("a", "s"), ("b", "t"), ("c", ""), ("d", "u"), ("a", "t")):
        entrance.take(coming(4), tokens(0, 4), tenant, session)
        numbers.append((entrance._tenants[tenant], entrance._sessions.get(session)))
    assert numbers == [(0, 0), (1, 1), (2, None), (2, 0), (0, 1)]  # of three tenants and two sessions
