"""Who is there at the start, and when the autoscaler looks for the first time."""

from dataclasses import replace

import pytest

from blis.config import Autoscaling, Compat, FlowControl
from blis.engine.build.fleet import encode_fleet
from blis.engine.build.state import encode
from blis.engine.run import simulate
from blis.errors import InputError
from tests.blis.engine.plain_times import deployment, requests

SCALING = Autoscaling(
    minimum=2, maximum=5, concurrency=1, sync_us=100, up_period_us=100, down_period_us=700, down_window_us=900
)


def test_without_an_autoscaler_there_are_no_rows():
    assert [len(rows) for rows in encode_fleet(deployment(3)).values()] == [0, 0, 0, 0]


@pytest.mark.parametrize(("first_us", "looks_us"), [(0, 100), (99, 100), (100, 200), (1234, 1300)])
def test_it_looks_at_multiples_of_its_period_after_the_first_arrival(first_us, looks_us):
    state = encode(deployment(3, autoscaling=SCALING), requests([first_us]), Compat())
    assert state.arrays.cluster.next_sync_us == looks_us
    assert state.arrays.fleet_looks[0].tolist() == (first_us, 3, 3, 0)


def test_the_first_of_all_places_serve():
    arrays = encode(deployment(3, autoscaling=SCALING), requests([0]), Compat()).arrays
    assert arrays.instances.down.tolist() == arrays.instances.offline.tolist() == [0, 0, 0, 2, 2]
    assert arrays.scaling.memory_us.tolist() == [900]


def test_the_original_knows_no_autoscaler():
    scenario = deployment(3, autoscaling=SCALING, flow_control=FlowControl())
    with pytest.raises(InputError, match=r"cluster\.autoscaling: the original knows no such thing"):
        simulate(scenario, requests([0]), Compat.original())


def test_more_looks_than_can_be_waited_for_are_refused():
    always = replace(SCALING, sync_us=1, up_period_us=0, down_period_us=0, down_window_us=0)
    with pytest.raises(InputError, match=r"cluster\.autoscaling\.sync_us: 1 µs gives more than 100,000,000 looks"):
        simulate(deployment(3, autoscaling=always), requests([5, 200_000_000]))
    short = replace(deployment(3, autoscaling=always), horizon_us=2000)
    assert simulate(short, requests([5, 200_000_000])).end_us == 2000
