"""`blis validate`: every kind of file is recognised, and what is wrong with one is said in one line."""

from __future__ import annotations

import gzip

import pytest

from blis.cli.main import main
from blis.files import write_text
from blis.yaml_strict import dump_yaml
from tests.blis.workload.recorded.logs import trace
from tests.blis.workload.trace_files import write_mooncake
from tests.places import ROOT

REFERENCE = ROOT / "tests" / "data" / "reference"
MODEL = {"instance": {"latency_model": {"model": "meta-llama/llama-3.1-8b-instruct"}}}
TOKENS = 'a,b,c,d,e\n0,r,m,"[1,2]","[3]"\n'
COMPACT = "arrived_at,num_prefill_tokens,num_decode_tokens\n0,5,5\n1,5,5\n"


@pytest.fixture
def validate(capsys):
    """Run the command; gives its status and its lines."""

    def call(*arguments: object) -> tuple[int, list[str]]:
        status = main(["validate", *(str(argument) for argument in arguments)])
        output = capsys.readouterr()
        assert output.err == ""
        return status, output.out.splitlines()

    return call


def one(validate, *arguments: object) -> tuple[int, str]:
    status, lines = validate(*arguments)
    assert len(lines) == 1
    path = str(arguments[-1])
    assert lines[0].startswith(f"{path}: ")
    return status, lines[0].removeprefix(f"{path}: ")


def test_every_shipped_file_is_recognised_and_valid(validate):
    for folder, kind in (("policy", "bundle"), ("cluster", "scenario"), ("workload", "workload")):
        files = [path for path in sorted((ROOT / "conf" / folder).glob("*.yaml")) if path.stem != "trace"]
        status, lines = validate(*files)
        assert status == 0
        assert all(f": {kind}, valid: " in line for line in lines) and len(lines) == len(files)


def test_recorded_cases(validate):
    assert one(validate, REFERENCE / "rr4" / "config.yaml") == (0, "scenario, valid: 4 instances")
    assert one(validate, REFERENCE / "rr4" / "requests.csv") == (0, "requests, valid: 1200 requests")


def test_a_folder_of_sessions_is_a_trace_and_so_is_a_packed_file(validate, tmp_path):
    folder, packed = tmp_path / "sessions", tmp_path / "m.jsonl.gz"
    folder.mkdir()
    step = '{"t": 0, "in": 64, "out": 1, "hash_ids": [1], "api_time": 1, "think_time": 0}'
    write_text(folder / "s.json", f'{{"id": "s", "block_size": 64, "hash_id_scope": "local", "requests": [{step}]}}')
    packed.write_bytes(gzip.compress(write_mooncake(tmp_path / "m", [(0, 1024, 10, [1, 2])]).read_bytes()))
    assert one(validate, folder) == (0, "trace, valid: agentic, 1 requests")
    assert one(validate, packed) == (0, "trace, valid: mooncake, 1 requests")


def test_rows_of_others_are_traces(validate, tmp_path):
    write_text(tmp_path / "tokens.csv", TOKENS)
    write_text(tmp_path / "compact.csv", COMPACT)
    write_mooncake(tmp_path / "m.jsonl", [(0, 1024, 10, [1, 2])])
    write_mooncake(tmp_path / "m.json", [(0, 1024, 10, [1, 2])])
    assert one(validate, tmp_path / "tokens.csv") == (0, "trace, valid: token-lists, 1 requests")
    assert one(validate, tmp_path / "compact.csv") == (0, "trace, valid: compact, 2 requests")
    assert one(validate, tmp_path / "m.jsonl") == (0, "trace, valid: mooncake, 1 requests")
    assert one(validate, tmp_path / "m.json") == (0, "trace, valid: mooncake, 1 requests")


def test_what_is_in_a_file_is_said(validate, tmp_path):
    write_text(tmp_path / "empty.yaml", "# nothing\n")
    assert one(validate, tmp_path / "empty.yaml") == (0, "bundle, valid: sets nothing")
    dump_yaml({"scheduler": "sjf", "routing": {"policy": "random"}}, tmp_path / "b.yaml")
    assert one(validate, tmp_path / "b.yaml") == (0, "bundle, valid: sets routing, scheduler")
    write_text(tmp_path / "b.json", '{"scheduler": "sjf"}\n')
    assert one(validate, tmp_path / "b.json") == (0, "bundle, valid: sets scheduler")
    dump_yaml({**MODEL, "workload": {"path": "t.jsonl"}}, tmp_path / "s.yaml")
    assert one(validate, tmp_path / "s.yaml") == (0, "scenario, valid: 1 instance and a workload")
    dump_yaml({"path": "t.jsonl"}, tmp_path / "w.yaml")
    assert one(validate, tmp_path / "w.yaml") == (0, "workload, valid: the trace t.jsonl")


@pytest.mark.parametrize(
    ("mapping", "line"),
    [
        ({"scheduler": "sjff"}, "bundle, not valid: unknown scheduler 'sjff' (did you mean 'sjf'?)"),
        ({"shceduler": "sjf"}, "bundle, not valid: unknown key 'shceduler' (did you mean 'scheduler'?)"),
        ({**MODEL, "clutser": {}}, "scenario, not valid: unknown key 'clutser' (did you mean 'cluster'?)"),
        ({**MODEL, "workload": {"aggregate_rate": 0}}, "scenario, not valid: workload: "),
        ({**MODEL, "workload": {"path": ""}}, "scenario, not valid: workload: path must name"),
        ({"aggregate_rate": 3, "clients": []}, "workload, not valid: "),
        ({"apples": 3}, "unknown, not valid: no key of any known kind of file (scenario: instance"),
        ([1, 2], "unknown, not valid: "),
    ],
)
def test_what_is_wrong_is_said(validate, tmp_path, mapping, line):
    dump_yaml(mapping, tmp_path / "f.yaml")
    status, found = one(validate, tmp_path / "f.yaml")
    assert status == 2 and found.startswith(line)


def test_a_trace_v2_is_one_by_either_of_its_files(validate, tmp_path):
    rows = trace(tmp_path, {"request_id": 0}, {"request_id": 1})
    for path in (rows, rows.with_suffix(".yaml")):
        assert one(validate, path) == (0, "trace, valid: trace-v2, 1 requests")


def test_files_that_cannot_be_read(validate, tmp_path):
    assert one(validate, tmp_path / "no.yaml") == (2, "unknown, not valid: No such file or directory")
    assert one(validate, tmp_path / "no.csv") == (2, "unknown, not valid: No such file or directory")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    assert one(validate, tmp_path / "bytes.yaml") == (2, "unknown, not valid: not a UTF-8 text file")
    write_text(tmp_path / "odd.csv", "x,y\n1,2\n")
    assert one(validate, tmp_path / "odd.csv")[1].startswith("unknown, not valid: line 1: 'x,y' is of no known format")


def test_one_wrong_file_among_good_ones_decides_the_status(validate, tmp_path):
    write_text(tmp_path / "bad.yaml", "routing: {policy: [}\n")
    good = REFERENCE / "rr4" / "config.yaml"
    status, lines = validate(good, tmp_path / "bad.yaml", good)
    assert status == 2
    assert [": not valid" in line or ", not valid" in line for line in lines] == [False, True, False]


def test_the_kind_can_be_forced(validate, tmp_path):
    dump_yaml({"scheduler": "sjf"}, tmp_path / "b.yaml")
    status, line = one(validate, "--kind", "scenario", tmp_path / "b.yaml")
    assert status == 2 and line.startswith("scenario, not valid: ")
    write_text(tmp_path / "data", COMPACT)
    assert one(validate, "--kind", "trace", tmp_path / "data") == (0, "trace, valid: compact, 2 requests")
    assert main(["validate", "--kind", "song", "x"]) == 2


def test_the_configuration_of_a_router(validate, tmp_path):
    sample = ROOT / "tests" / "data" / "epp" / "pd-epp-config.yaml"  # valid, if not to be simulated
    assert one(validate, sample) == (0, "router, valid: 8 plugins, profiles prefill, decode")
    (tmp_path / "epp.yaml").write_text(sample.read_text().replace("weight: 1", "wieght: 1"))
    status, line = one(validate, tmp_path / "epp.yaml")
    assert status == 2
    assert line.startswith("router, not valid: line 19: schedulingProfiles[0].plugins[3].wieght: unknown key 'wieght'")
