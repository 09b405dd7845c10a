"""What a server says of itself, newer and older, of one engine and of several."""

from __future__ import annotations

import asyncio

import pytest

from blis.observe.endpoint import UnreadError
from blis.observe.scrape import Reading, ReadingError, Scraper, reading, timeseries
from blis.workload.recorded.beside import timeline_beside
from tests.blis.observe.server import METRICS


def test_engines_are_taken_together():
    assert reading(METRICS) == Reading(running=4, waiting=2, kv_share=0.5, engines=2)


def test_older_servers_call_their_cache_otherwise():
    assert reading(METRICS.replace("kv_cache", "gpu_cache")).kv_share == 0.5
    assert reading(METRICS + "vllm:gpu_cache_usage_perc 0.9\n").kv_share == 0.5


@pytest.mark.parametrize(
    ("page", "missing"),
    [
        ("", "vllm:num_requests_running"),
        (METRICS.replace("num_requests_waiting", "x"), "vllm:num_requests_waiting"),
        (METRICS.replace("0.75", "NaN"), "vllm:kv_cache_usage_perc"),
        (METRICS.replace("0.75", "x" * 10_000), "vllm:kv_cache_usage_perc"),
    ],
)
def test_a_page_without_a_gauge_is_named(page, missing):
    with pytest.raises(ReadingError, match=f"it has no {missing}"):
        reading(page)


def test_looks_that_fail_are_counted_and_others_go_on():
    pages = [METRICS, UnreadError("refused"), METRICS, UnreadError("late"), "x"]

    async def page() -> str:
        if not pages:
            await asyncio.sleep(3600)
        found = pages.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async def run() -> Scraper:
        scraper = Scraper(page, iter(range(10**6)).__next__)
        looking = asyncio.create_task(scraper.run(every_s=0))
        while pages:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        looking.cancel()
        return scraper

    scraper = asyncio.run(run())
    assert len(scraper.readings) == 2
    assert (scraper.failed, scraper.why) == (3, "refused")


def test_what_is_written_is_what_calibration_reads(tmp_path):
    found = Reading(3, 1, 0.5, 2)
    text = timeseries([(1_500_000, found), (3_000_000, Reading(0, 0, 0.25, 2))], start_us=1_000_000)
    (tmp_path / "seen.timeseries.csv").write_text(text)
    timeline = timeline_beside(tmp_path / "seen.csv")
    assert timeline["time_us"].tolist() == [500_000, 2_000_000]
    assert timeline["running"].tolist() == [3, 0] and timeline["kv_share"].tolist() == [0.5, 0.25]
    assert timeline["engines"].tolist() == [2, 2]
