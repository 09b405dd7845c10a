from __future__ import annotations

from blis.engine.live.told import leave, send_again, tell
from blis.tables.records import COMPLETED, DROPPED, IN_TRANSIT, RUNNING
from tests.blis.engine.live.test_control_plane import barred, come, made


def test_an_instance_says_how_it_stands():
    plane = made(instances=2)
    tell(plane.arrays, 1, 7, 3, 50, 10)
    one = plane.arrays.instances[1]
    assert (one.queue_depth, one.batch_size, one.used_blocks) == (7, 3, 50)
    assert plane.arrays.instances[0].queue_depth == 0


def test_what_becomes_of_a_request():
    plane = made(instances=2)
    passage = come(plane, 10)
    request = plane.arrays.requests[passage.row]
    assert request.status == IN_TRANSIT
    tell(plane.arrays, passage.instance, 0, 1, 0, 20)
    assert request.status == RUNNING
    assert send_again(plane.arrays, passage.row, barred(plane, passage.instance), 30) == 1 - passage.instance
    assert request.status == IN_TRANSIT and request.instance == 1 - passage.instance
    leave(plane.arrays, passage.row, True, 40)
    assert request.status == COMPLETED
    other = come(plane, 50)
    leave(plane.arrays, other.row, False, 60)
    assert plane.arrays.requests[other.row].status == DROPPED
    assert plane.arrays.instances.completed.sum() == 1 and plane.arrays.instances.dropped.sum() == 2
