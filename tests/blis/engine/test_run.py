"""`simulate` and `resume`: a pure function, however often it comes up for air."""

from __future__ import annotations

import signal
from copy import deepcopy

import numpy as np
import pytest

from blis.config import Admission, Batch, Compat, FlowControl, LatencyModel, Routing
from blis.engine.build.outcome import collect
from blis.engine.build.state import encode
from blis.engine.observe import Observe
from blis.engine.run import resume, simulate
from blis.errors import InputError
from tests.blis.engine.plain_times import deployment, requests
from tests.laws.against_oracle import assert_same_results
from tests.laws.tight_cases import tight_case


@pytest.mark.parametrize("steps", [1, 2, 7, 1000])
@pytest.mark.parametrize("number", [3, 40, 77])
def test_a_run_can_pause_after_any_number_of_steps(steps, number):
    case = tight_case(number)
    state = encode(case.scenario, case.table, case.compat, case.observe)
    while resume(state, steps):
        pass
    found = collect(*state.results(), case.scenario, case.table, case.compat)
    assert_same_results(found, simulate(case.scenario, case.table, case.compat, case.observe))


@pytest.mark.parametrize("turns", [2, 7])
@pytest.mark.parametrize("number", [3, 40, 77])
def test_a_run_can_look_up_after_any_number_of_events(turns, number, monkeypatch):
    case = tight_case(number)
    whole = simulate(case.scenario, case.table, case.compat, case.observe)
    monkeypatch.setattr("blis.engine.run.TURNS", turns)
    assert_same_results(whole, simulate(case.scenario, case.table, case.compat, case.observe))


class InterruptedRunError(Exception):
    pass


def test_a_long_run_can_be_interrupted():
    def interrupt(*_):
        raise InterruptedRunError

    # a reading that is due by when it was last taken makes the gateway look every µs, 10**10 times
    scenario = deployment(
        flow_control=FlowControl(enabled=True, detector="utilization", queue_threshold=1, interval_us=1),
        routing=Routing(snapshot_refresh_us=1),
        engine={"latency_model": LatencyModel(beta=(1e10, 0, 0)), "batch": Batch(max_running=1)},
    )
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(InterruptedRunError):
            simulate(scenario, requests([0, 0, 0, 5], 3))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_resume_runs_so_many_steps_and_says_whether_there_is_more():
    state = encode(deployment(), requests([0], 5), Compat())
    done = []
    while resume(state, steps=2):
        done.append(int(state.arrays.instances[0].steps))
    assert done == [2, 4]
    assert not resume(state, steps=2)
    assert state.arrays.instances[0].steps == 5


def test_a_run_leaves_its_table_as_it_was():
    table = requests([0, 10, 20], 3, tenant=[0, 1, 0])
    before = deepcopy({name: value for name, value in vars(table).items() if isinstance(value, np.ndarray)})
    first, second = (simulate(deployment(2), table) for _ in range(2))
    assert_same_results(first, second)
    for name, value in before.items():
        np.testing.assert_array_equal(getattr(table, name), value, err_msg=name)


def test_control_plane_events_come_before_instance_events_of_their_instant():
    # at 100 the first request's second step is due; the newcomer's admission sees it as it was, with nobody waiting
    admission = Admission("queue-depth", parameters={"max_queued": 1})
    table = requests([0, 100, 100], 2)
    assert simulate(deployment(admission=admission), table).status_names() == ["completed"] * 3


def test_more_requests_at_once_than_there_is_room_for_at_first():
    n = 1500  # on their way at once, and then waiting in a queue that has an order
    scenario = deployment(blocks=10**6, engine={"scheduler": "sjf", "batch": Batch(max_running=2)})
    result = simulate(scenario, requests([0] * n, 1))
    assert set(result.status_names()) == {"completed"}
    assert result.instances["routed"][0] == n


def test_a_forced_row_that_does_not_exist_is_an_error():
    with pytest.raises(InputError, match="forced_row"):
        simulate(deployment(), requests([0]), observe=Observe(forced_row=5, forced_instance=0))
