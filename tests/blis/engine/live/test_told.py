from __future__ import annotations

from blis.config import FlowControl
from blis.engine.live.told import leave, send_again, tell
from blis.engine.records import NONE
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


def test_news_of_earlier_make_nobody_look_back_in_time():
    plane = made(flow=FlowControl(True, "utilization", queue_threshold=2, interval_us=1000), instances=1)
    tell(plane.arrays, 0, 9, 0, 0, 10)
    waits = come(plane, 20_000)
    assert plane.waiting == 1 and waits.instance == NONE
    tell(plane.arrays, 0, 0, 0, 0, 5_000)
    assert plane.arrays.cluster.next_look_us == 20_000
