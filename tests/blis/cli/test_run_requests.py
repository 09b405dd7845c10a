"""Which requests a command line asks for: what scales a workload, what a flag may not say, and every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import blis
from blis.yaml_strict import dump_yaml, load_mapping
from tests.blis.cli.commands import Command, rows
from tests.blis.cli.test_run import WORKLOAD
from tests.blis.workload.trace_files import write_azure
from tests.places import CONF

TIMES = [f"2023-11-16 18:17:{second:02d}.0000000,100,{second % 5}" for second in range(40)]
TOKENS = ("arrived,p,d,prompt,output", '0.5,2,1,"[1, 2]",[3]', '1.5,2,1,"[1, 4]",[3]')


@pytest.fixture
def command(capsys) -> Command:
    return Command(capsys)


@pytest.fixture
def arrivals(command, small: Path):
    """Run the command; gives the arrivals of its requests, in s."""

    def call(*arguments: object) -> list[float]:
        command("run", *arguments, "--results-path", small / "out.csv")
        return [int(row["arrival_us"]) / 1e6 for row in rows(small / "out.csv")]

    return call


@pytest.fixture
def drawn(small: Path) -> tuple[str, Path]:
    """A scenario with a workload to draw: 30 requests, 50 a second."""
    dump_yaml({**load_mapping(small / "scenario.yaml"), "workload": WORKLOAD}, small / "drawn.yaml")
    return "--config", small / "drawn.yaml"


@pytest.fixture
def traced(small: Path) -> tuple[str, Path]:
    """A scenario with a trace as its workload: a request a second, report window from 20 s on."""
    write_azure(small / "azure.csv", TIMES)
    workload = {"path": str(small / "azure.csv"), "windows": {"warmup_s": 0}}
    dump_yaml({**load_mapping(small / "scenario.yaml"), "workload": workload}, small / "traced.yaml")
    return "--config", small / "traced.yaml"


class TestNamed:
    @pytest.fixture
    def scenario(self, small) -> tuple[str, Path]:
        return "--config", small / "scenario.yaml"

    def test_a_name_of_conf_is_its_file(self, arrivals, scenario):
        file = arrivals(*scenario, "--workload-spec", CONF / "workload" / "rag.yaml", "--num-requests", 20)
        assert arrivals(*scenario, "--workload", "rag", "--num-requests", 20) == file
        assert arrivals(*scenario, "--workload-spec", "rag", "--num-requests", 20) == file

    def test_the_originals_names_stay_its_own(self, arrivals, scenario):
        few = ("--num-requests", 3)
        assert arrivals(*scenario, "--workload", "chatbot", *few) == [0, 1, 2]
        assert arrivals(*scenario, "--workload-spec", "chatbot", *few) != [0, 1, 2]

    def test_no_name_is_told_with_the_nearest_of_all(self, command, scenario):
        for flag, near in (("--workload", "mixed_slo"), ("--workload", "distribution"), ("--workload-spec", "rag")):
            said = command.fails("run", *scenario, flag, f"{near}g")
            assert f"unknown workload '{near}g' (did you mean '{near}'?)" in said

    def test_capacity_and_compare_know_them_too(self, command, scenario, small):
        bundles = ("--bundle", small / "a.yaml", "--bundle", small / "b.yaml")
        for name in ("a", "b"):
            (small / f"{name}.yaml").write_text("")
        for line in (("capacity",), ("compare", *bundles)):
            said = command.fails(*line, *scenario, "--workload-spec", "ragg")
            assert "unknown workload 'ragg' (did you mean 'rag'?)" in said


class TestScaled:
    def test_a_rate_is_that_of_the_workload_in_the_scenario(self, arrivals, drawn):
        own, twice = arrivals(*drawn), arrivals(*drawn, "--rate", 100)
        assert len(own) == len(twice) == WORKLOAD["num_requests"]
        np.testing.assert_allclose(np.array(own) / 2, twice, atol=2e-6)

    def test_a_scale_is_the_same_as_a_rate(self, arrivals, drawn):
        assert arrivals(*drawn, "--rate-scale", 1.2) == arrivals(*drawn, "--rate", 60)
        assert arrivals(*drawn, "--rate", 25, "--rate-scale", 2) == arrivals(*drawn)

    def test_lengths_stay_those_of_the_workload(self, command, drawn, small):
        for flags in (("--rate", 5), ("--num-requests", 7), ("--num-instances", 3), ("--rate-scale", 0.1)):
            command("run", *drawn, *flags, "--results-path", small / "out.csv")
            assert {row["input_tokens"] for row in rows(small / "out.csv")} == {"100"}

    def test_recorded_requests_come_faster(self, arrivals, traced, small):
        files = ("--config", small / "scenario.yaml", "--requests", small / "requests.csv")
        assert arrivals(*files, "--rate-scale", 2) == [0, 0.0005, 0.001]
        assert arrivals(*traced, "--rate-scale", 4) == [time / 4 for time in arrivals(*traced)]

    def test_named_workloads_too(self, arrivals):
        assert arrivals("--model", "meta-llama/llama-3.1-8b-instruct", "--num-requests", 3, "--rate-scale", 4) == [
            0,
            0.25,
            0.5,
        ]

    def test_policies_are_compared_at_that_rate(self, command, drawn, small):
        for name in ("round-robin", "least-loaded"):
            dump_yaml({"routing": {"policy": name}}, small / f"{name}.yaml")
        bundles = [f"--bundle={small / name}.yaml" for name in ("round-robin", "least-loaded")]
        compare = ("compare", *drawn, *bundles, "--seeds", 2)
        assert command(*compare, "--rate-scale", 1.2) == command(*compare, "--rate", 60) != command(*compare)


class TestRefused:
    @pytest.mark.parametrize("flag", ["--prompt-tokens", "--output-tokens-max", "--prefix-tokens"])
    def test_lengths_that_the_workload_has_itself(self, command, drawn, traced, small, flag):
        for source in (drawn, traced, ("--config", small / "scenario.yaml", "--requests", small / "requests.csv")):
            assert f"{flag} is for --workload distribution" in command.fails("run", *source, flag, 9)

    @pytest.mark.parametrize("flag", ["--seed", "--num-requests", "--rate"])
    def test_draws_of_a_trace(self, command, traced, flag):
        assert f"{flag} is for drawn requests" in command.fails("run", *traced, flag, 3)

    def test_a_rate_of_a_file_names_the_flag_that_does(self, command, small_run):
        assert "--rate-scale makes them faster" in command.fails(*small_run, "--rate", 3)

    @pytest.mark.parametrize("value", ["0", "-1", "nan", "inf"])
    def test_no_rate(self, command, drawn, value):
        assert "--rate-scale must be" in command.fails("run", *drawn, f"--rate-scale={value}")
        assert "--rate must be" in command.fails("run", *drawn, f"--rate={value}")

    def test_a_file_of_tokens_that_nothing_reads(self, command, drawn, small_run):
        for source in (("run", *drawn), small_run):
            said = command.fails(*source, "--workload-traces-filepath", "x.csv")
            assert "--workload-traces-filepath needs --workload traces" in said

    def test_a_window_without_a_trace(self, command, drawn):
        assert "--window is for a recorded trace" in command.fails("run", *drawn, "--window", "report")


class TestFormats:
    def test_any_trace_is_a_requests_file(self, arrivals, command, small):
        write_azure(small / "azure.csv", TIMES)
        (small / "tokens.csv").write_text("\n".join(TOKENS) + "\n")
        config = ("--config", small / "scenario.yaml")
        for file, expected in (
            ("azure.csv", [*range(40)]),
            ("tokens.csv", [0.5, 1.5]),
            ("requests.csv", [0, 1e-3, 2e-3]),
        ):
            assert "valid" in command("validate", small / file)[0]
            assert arrivals(*config, "--requests", small / file) == expected
            assert (blis.load_requests(small / file).arrival_us / 1e6).tolist() == expected

    def test_a_workload_file_may_name_a_trace(self, arrivals, small, traced):
        spec = {"path": str(small / "azure.csv"), "windows": {"warmup_s": 0}}
        dump_yaml(spec, small / "trace.yaml")
        given = ("--config", small / "scenario.yaml", "--workload-spec", small / "trace.yaml")
        assert arrivals(*given) == [*range(40)]
        assert arrivals(*given, "--window", "report") == arrivals(*traced)
        assert len(arrivals(*traced)) == 20

    def test_the_library_reads_it_too(self, small, traced):
        spec = {"path": str(small / "azure.csv"), "start_s": 10}
        assert (blis.generate(spec).arrival_us / 1e6).tolist() == [*range(30)]
        assert (blis.generate(spec, n=3, rate_scale=2).arrival_us / 1e6).tolist() == [0, 0.5, 1]
