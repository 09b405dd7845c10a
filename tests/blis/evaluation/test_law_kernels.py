"""The compiled laws say what the same laws in numpy say, whatever is broken in a run."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from re import sub

import pytest

from blis.config import Compat
from blis.engine.run import simulate
from blis.evaluation.laws import WORDS, check_laws
from blis.tables.records import INSTANCE_COUNTERS, STATES, STATUS_NAMES
from blis.tables.results import ResultTable
from tests.laws.guessing_cases import guessing
from tests.laws.plain_laws import plain_laws
from tests.laws.random_cases import Case, failing_case, random_case, scaling

COLUMNS = (
    "status", "instance", "queued_us", "scheduled_us", "first_token_us", "completed_us", "ttft_us", "e2e_us",
    "cached_tokens", "generated_tokens", "preemptions", "first_step", "last_step", "routed_us", "retries", "accepted",
)  # fmt: skip
RECORDS = {
    "instances": INSTANCE_COUNTERS.names or (),
    "steps": ("first_step", "count", "gap_us"),
    "gaps": ("from_step", "to_step", "gap_us"),
    "tenants": ("in_flight", "tokens"),
    "fleet": ("time_us", "state"),
    "looks": ("time_us", "recommended"),
}


_RANGES = {"status": (-1, len(STATUS_NAMES)), "state": (0, len(STATES) - 1)}


def broken(rng: Random, case: Case, result: ResultTable) -> ResultTable:
    """The result with one to three of its numbers changed a little, or set to what hardly ever is right."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        name = rng.choice([*COLUMNS, *RECORDS, *(["arrival_us"] if case.table.closed else [])])
        table = getattr(result, name)
        if table is None or not len(table):
            continue
        changed = table.copy()
        field = rng.choice(RECORDS[name]) if name in RECORDS else ""
        column = changed[field] if field else changed
        row = rng.randrange(len(column))
        old, instances = int(column[row]), len(result.instances)
        low, high = _RANGES.get(field or name, (-1, instances if name == "instance" else 10**6))
        column[row] = min(max(rng.choice([old - 1, old + 1, -1, 0, 1, 10**6, rng.randint(low, high)]), low), high)
        result = replace(result, **{name: changed})
    return result


def cases(seed: int) -> Iterator[tuple[Case, ResultTable, Compat]]:
    """Runs broken in many ways, some held to laws that their switches break."""
    rng = Random(seed)
    case = failing_case(rng) if seed % 5 == 2 else random_case(rng)
    case = scaling(rng, case) if seed % 5 == 4 else guessing(rng, case) if seed % 5 == 3 else case
    result = simulate(case.scenario, case.table, case.compat)
    for _ in range(60):
        yield case, broken(rng, case, result), rng.choice([case.compat, case.compat, Compat(), Compat.original()])


@pytest.mark.parametrize("seed", range(60))
def test_broken_runs_break_the_same_laws_in_numpy(seed: int):
    for case, result, compat in cases(seed):
        expected = plain_laws(case.scenario, case.table, result, compat)
        assert check_laws(case.scenario, case.table, result, compat) == expected


def test_every_law_is_broken_by_some_of_them():
    told = {
        sub(r"(request|instance|look) \d+ ", "", text.split(" (and")[0])
        for seed in range(160)
        for case, result, compat in cases(seed)
        for text in check_laws(case.scenario, case.table, result, compat)
    }
    assert told == {
        words.replace("request {} ", "").replace("instance {} ", "").replace("look {} ", "") for words in WORDS.values()
    }
