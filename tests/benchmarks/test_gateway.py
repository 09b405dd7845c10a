"""The load study measures what it says, here on few clients and for moments."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from benchmarks.gateway import Seen, established, main, row
from benchmarks.proxies import proxy
from tests.blis.gateway.backends import Backend

BRIEF = ("--seconds", "0.2", "--rounds", "1", "--ttft-ms", "1", "--itl-ms", "1", "--tokens", "3")


@pytest.mark.parametrize("target", ["direct", "nginx"])
def test_a_table_of_loads_without_errors(target: str, capsys: pytest.CaptureFixture[str]):
    if target != "direct" and not shutil.which(target):
        pytest.skip(f"{target} is not installed")
    assert main([*BRIEF, "--targets", target, "--clients", "2", "--held", "5", "--held-s", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    whole, streaming = (line for line in lines if f"| 2 | {target} |" in line)
    assert whole.startswith("| whole |")
    assert streaming.startswith("| streaming |")
    assert whole.endswith("| 0 |")
    assert streaming.endswith("| 0 |")
    held = [line for line in lines if line.startswith(f"| {target} | 5 | 5 | 5 / 5 | 5 |")]
    assert len(held) == (target != "direct")


def test_a_soak_ends_by_its_count_and_looks_at_memory(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    if not shutil.which("nginx"):
        pytest.skip("nginx is not installed")
    monkeypatch.setattr("benchmarks.gateway.SOAK_LOOK", 100)
    assert main([*BRIEF, "--targets", "nginx", "--soak", "400"]) == 0
    said = capsys.readouterr().out
    assert "400 answers at" in said
    assert "errors: none" in said
    looks = [line.split(" | ") for line in said.splitlines() if line.startswith("| ") and line[2].isdigit()]
    assert [int(look[0].removeprefix("| ")) for look in looks] == [0, 100, 200, 300, 400]
    assert all(float(look[1].removesuffix(" |")) > 1 for look in looks)


def test_rates_and_times_of_rounds_are_pooled_and_compared_with_a_direct_connection():
    direct, through = Seen(), Seen()
    direct.add({"took_s": 1.0, "errors": {}, "ttft_us": [1000] * 10, "e2e_us": [5000] * 10}, 0.0)
    through.add({"took_s": 1.0, "errors": {"503": 2}, "ttft_us": [2000] * 10, "e2e_us": [6000] * 10}, 0.02)
    through.add({"took_s": 1.0, "errors": {"503": 1}, "ttft_us": [2000] * 10, "e2e_us": [6000] * 10}, 0.02)
    times = ["2.0 / 2.0 / 2.0", "6.0 / 6.0 / 6.0", "1.0 / 1.0 / 1.0"]
    assert row("it", 4, True, through, direct) == ["streaming", "4", "it", "10", *times, "2.00", "503: 3"]


def test_sockets_are_counted_at_both_ends():
    async def counted() -> tuple[int, int]:
        async with Backend() as backend:
            writers = [(await asyncio.open_connection("127.0.0.1", backend.port))[1] for _ in range(3)]
            await asyncio.sleep(0.05)
            found = established(backend.port)
            for writer in writers:
                writer.close()
            return found

    assert asyncio.run(counted()) == (3, 3)


def test_a_proxy_that_is_not_there_is_left_out_with_a_reason(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    with proxy("nginx", (1,), Path("policy.yaml")) as found:
        assert found == "nginx is not installed"
