"""A whole observation of a server with known delays: how it counts, a warm-up, all requests."""

from __future__ import annotations

import asyncio
import itertools

import pytest

import blis
from blis.errors import EngineError
from blis.observe import endpoint
from blis.observe.asking import Asking
from blis.observe.observe import Observation, Plan
from blis.observe.record import Observed
from tests.blis.observe.server import TEMPLATE_TOKENS, Asked, Behaviour, Server, answers, served
from tests.blis.observe.test_endpoint import closed_port

ROWS = [(0, 40, 3, "sys", 30), (20_000, 50, 2, "sys", 30), (40_000, 20, 4, "", 0), (60_000, 35, 1, "sys", 30)]


@pytest.fixture
def table(tmp_path):
    lines = ["request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id"]
    lines += [f"r{number},{','.join(map(str, row))},," for number, row in enumerate(ROWS)]
    (tmp_path / "requests.csv").write_text("\n".join(lines) + "\n")
    return blis.load_requests(tmp_path / "requests.csv")


def run(table, *urls: str, plan: dict | None = None, **asking: object) -> tuple[Observed, Observation]:
    askings = tuple(Asking(url, "m", **asking) for url in urls)
    observation = Observation(table, Plan(askings, **plan or {}), lambda seen: None)
    return observation.run(), observation


def observed(table, behave: Behaviour, plan: dict | None = None, **asking) -> tuple[Observed, Observation, Server]:
    with served(behave) as server:
        return *run(table, server.url, plan=plan, **asking), server


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_prompts_are_as_long_as_planned_by_the_servers_own_count(table, api):
    found, observation, server = observed(table, answers(), api=api)
    assert [one.input_tokens for one in found.seen] == [40, 50, 20, 35]
    assert [one.output_tokens for one in found.seen] == [3, 2, 4, 1]
    first, second, _, last = (asked.prompt.split() for asked in server.asked[-4:])
    alike = [
        len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, other, strict=False))))
        for other in (second, last)
    ]
    assert alike == [30 - TEMPLATE_TOKENS] * 2
    assert observation.notes == []


def test_a_warm_up_is_sent_first_with_texts_of_its_own_and_not_recorded(table):
    found, _, server = observed(table, answers(), {"warm_up": 6})
    assert found.warmed_up == 6 and len(found.seen) == 4 and len(server.asked) == 3 + 6 + 4
    lengths = [asked.prompt_tokens for asked in server.asked[3:9]]
    assert sorted(lengths) == sorted([40, 50, 20, 35, 40, 50])
    texts = [asked.prompt for asked in server.asked[3:]]
    assert len({text[:40] for text in texts[:6]} & {text[:40] for text in texts[6:]}) == 0


def test_a_server_that_does_not_take_ignore_eos_is_asked_without(table):
    async def strict(asked: Asked) -> None:
        if "ignore_eos" in asked.body:
            await asked.whole({"error": {"message": "unknown parameter: ignore_eos"}}, 400)
        else:
            await answers()(asked)

    found, observation, _ = observed(table, strict)
    assert all(one.ok for one in found.seen)
    assert observation.notes == ["the server does not take ignore_eos: answers may end early"]


def test_a_server_that_does_not_count_gets_a_word_a_token(table):
    async def mute(asked: Asked) -> None:
        asked.head()
        await asked.send(asked.piece("x", "stop"))
        await asked.end()

    found, observation, server = observed(table, mute)
    assert [len(asked.prompt.split()) for asked in server.asked[-4:]] == [40, 50, 20, 35]
    assert observation.notes == ["nobody counts the tokens of prompts: each word is taken for one"]
    assert all(one.input_tokens is None for one in found.seen)


def test_a_tokenizer_counts_words_and_the_server_what_it_adds(table):
    found, _, server = observed(table, answers(), count=lambda text: len(text.split()))
    assert [one.input_tokens for one in found.seen] == [40, 50, 20, 35]
    assert len(server.asked) == 1 + 4


def test_what_fails_while_warming_up_is_told(table):
    calls = itertools.count()

    async def behave(asked: Asked) -> None:
        if next(calls) == 3:
            await asked.whole({"error": {"message": "boom"}}, 500)
        else:
            await answers()(asked)

    _, observation, _ = observed(table, behave, {"warm_up": 2, "at_once": 1})
    assert observation.notes == ["1 of 2 requests to warm up got no whole answer"]


def test_metrics_are_read_beside_it(table):
    _, observation, _ = observed(table, answers(first_s=0.5), {"scrape": True})
    assert observation.scraper.readings[0][1].running == 4 and observation.scraper.failed == 0


@pytest.mark.parametrize(("status", "problem"), [(404, "HTTP 404: no such model"), (401, "HTTP 401: no such model")])
def test_a_server_that_answers_nothing_is_an_error_before_anything_is_sent(table, status, problem):
    async def refuse(asked: Asked) -> None:
        await asked.whole({"error": {"message": "no such model"}}, status)

    with pytest.raises(EngineError, match=problem):
        observed(table, refuse)


def test_a_server_that_is_not_there_is_an_error(table, monkeypatch):
    monkeypatch.setattr(endpoint, "_BACKOFF_S", 0.01)
    with pytest.raises(EngineError, match=r"the server at --url answers no request: .*onnect"):
        run(table, f"http://127.0.0.1:{closed_port()}")


def test_several_servers_share_the_requests(table):
    with served(answers()) as one, served(answers()) as other:
        found, observation = run(table, one.url, other.url, plan={"scrape": True, "at_once": 1})
    assert [seen.endpoint for seen in found.seen] == [0, 1, 0, 1] and all(seen.ok for seen in found.seen)
    assert (len(one.asked), len(other.asked)) == (3 + 2, 1 + 2)
    assert observation.scraper.readings[0][1].engines == 4


def test_each_of_several_servers_must_answer(table, monkeypatch):
    monkeypatch.setattr(endpoint, "_BACKOFF_S", 0.01)
    with served(answers()) as server, pytest.raises(EngineError, match="server 2 of 2 at --url answers no request"):
        run(table, server.url, f"http://127.0.0.1:{closed_port()}")


@pytest.fixture
def pressed(monkeypatch):
    """Ctrl-C when so many requests have come: the main task is cancelled, KeyboardInterrupt comes out of the run."""
    real = asyncio.run

    def when(server: Server, requests: int) -> None:
        def interrupted(main) -> None:
            async def run() -> None:
                task = asyncio.create_task(main)
                while len(server.asked) < requests:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.05)
                task.cancel()
                await asyncio.wait([task])

            real(run())
            raise KeyboardInterrupt

        monkeypatch.setattr("blis.observe.observe.asyncio.run", interrupted)

    return when


def hanging_at(number: int) -> Behaviour:
    """Whole answers, but of one request a piece and no more."""
    asked_before = itertools.count(1)

    async def behave(asked: Asked) -> None:
        if next(asked_before) == number:
            asked.head()
            await asked.send(asked.piece("x"))
            await asyncio.sleep(3600)
        await answers()(asked)

    return behave


def test_an_interrupt_keeps_what_was_seen(table, pressed):
    with served(hanging_at(5)) as server:  # three to measure, one whole, one under way
        pressed(server, 5)
        found, _ = run(table, server.url, plan={"at_once": 1})
    assert found.interrupted and len(found.seen) == 4
    assert [one.status for one in found.seen] == ["ok", "error", "error", "error"]
    assert [one.error for one in found.seen[1:]] == ["interrupted", "not sent: interrupted", "not sent: interrupted"]


@pytest.mark.parametrize("requests", [1, 2, 4])
def test_an_interrupt_while_a_server_is_measured_or_warmed_up_sends_nothing_more(table, pressed, requests):
    with served(hanging_at(requests)) as server, pytest.raises(KeyboardInterrupt):
        pressed(server, requests)
        run(table, server.url, plan={"warm_up": 1})
    assert len(server.asked) == requests


def test_an_interrupt_before_the_first_request_has_nothing_to_keep(table, monkeypatch):
    def at_once(main) -> None:
        main.close()
        raise KeyboardInterrupt

    monkeypatch.setattr("blis.observe.observe.asyncio.run", at_once)
    with pytest.raises(KeyboardInterrupt):
        run(table, "http://127.0.0.1:1")
