"""The plan: every kind of step early, every step once, and sums as an engine would count them."""

from experiments.gpu_steps.plan import MOST_KV_TOKENS, Point, families, plan, spread


def kind(point: Point) -> tuple[int, bool]:
    return min(point.prefills, 2), point.decodes > 0


def test_sums_of_a_step_are_those_of_its_members():
    step = Point(prefills=2, tokens=3, context=10, decodes=4, decode_context=100).step
    assert (step.prefills, step.prefill_tokens, step.prefill_context) == (2, 6, 20)
    assert step.prefill_pairs == 2 * sum(range(10, 13))  # the first of three tokens sees the ten before it
    assert (step.decodes, step.decode_context) == (4, 400)


def test_every_step_that_has_room_is_there_once():
    everything = [point for family in families() for point in family]
    assert sorted(plan()) == sorted(point for point in everything if point.kv_tokens <= MOST_KV_TOKENS)
    assert sorted(plan(5000)) == sorted(point for point in everything if point.kv_tokens <= 5000)
    assert plan(10) == []


def test_the_plan_reaches_from_the_smallest_to_the_largest():
    steps = [point.step for point in plan()]
    assert {1, 256} <= {step.decodes for step in steps} and {128, 8192} <= {step.prefill_tokens for step in steps}
    assert {point.context for point in plan()} >= {0, 32768}


def test_whenever_the_time_is_over_all_kinds_have_their_share():
    steps = plan()
    shares = {each: [kind(point) for point in steps].count(each) / len(steps) for each in map(kind, steps)}
    assert len(shares) == 4
    for n in (12, 30, 60):
        for each, share in shares.items():
            assert abs([kind(point) for point in steps[:n]].count(each) - share * n) <= 1.5


def test_the_first_steps_are_far_apart():
    batches = [point.decodes for point in spread(families()[0])[:5]]
    assert max(batches) >= 16 * min(batches)


def test_the_next_step_is_the_one_least_like_those_before_it():
    line = [Point(decodes=2**i, decode_context=100) for i in range(9)]
    assert [point.decodes for point in spread(line)[:3]] == [16, 256, 1] and sorted(spread(line)) == line
    assert spread([]) == []
