"""Who asks again: not one that waits no more when his request fails."""

from dataclasses import replace

from blis.config import Clients, Failures, Outage
from blis.engine.run import simulate
from tests.blis.engine.plain_times import deployment, requests


def test_who_has_asked_again_does_not_when_the_first_attempt_is_lost_after_that():
    failures = Failures((Outage((0,), 450, 100),), heartbeat_us=0, offline_after_us=10**9)
    clients = Clients(timeout_us=200, attempts=3, backoff_us=100, cancel=False)
    scenario = replace(deployment(failures=failures), clients=clients)
    result = simulate(scenario, requests([0], 9))
    # asked at 0 and 300; both are lost at 450, when only the second is waited for: 450 + 200
    assert result.attempts.arrival_us.tolist() == [0, 300, 650]
    assert result.attempts.status_names() == ["lost", "lost", "completed"]
