from __future__ import annotations

from tests.blis.engine.live.small import live, tokens

END_US = 10**12


def test_one_look_at_the_end_gives_the_times_that_many_looks_give():
    seen = []
    for step_us in (END_US, 1_000, 37_000):
        run = live(blocks=12)  # so few that somebody is preempted
        tickets = [run.submit(tokens(1000 * n, 8), tokens(1000 * n + 500, 20)) for n in range(3)]
        while len(run):
            run.advance(run.now_us + step_us)
        seen.append([ticket.token_us for ticket in tickets])
        assert max(ticket.preemptions for ticket in tickets) > 0
    assert seen[0] == seen[1] == seen[2]


def test_the_log_does_not_grow():
    run = live()
    for number in range(50):
        run.submit(tokens(0, 8), tokens(100, 5 + number))
        run.advance(run.now_us + 10**7)
        assert run.arrays.cluster.log_rows <= 1
