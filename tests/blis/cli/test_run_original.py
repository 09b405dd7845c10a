"""`blis run` as the original is used: its flags, its trace CSV, its results file, its printed layout."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from blis.yaml_strict import dump_yaml, load_mapping
from tests.blis.cli.commands import Command, rows
from tests.places import REFERENCE

MODEL = "meta-llama/llama-3.1-8b-instruct"

#: cluster-and-policies.md section 18: arrival in s, first and last token of each run of the prompt, output tokens.
REQUESTS = [
    (0.000, [(1, 16)], 4),
    (0.000, [(101, 108)], 6),
    (0.001, [(1, 12), (201, 204)], 4),
    (0.002, [(301, 302)], 8),
    (0.002, [(1, 16)], 2),
    (0.010, [(101, 112)], 3),
    (0.020, [(1, 20)], 5),
    (0.020, [(401, 440)], 2),
]
FLAGS = (
    *("--model", "any", "--num-instances", 3, "--block-size-in-tokens", 4, "--total-kv-blocks", 100),
    *("--alpha-coeffs", "1000,10,50", "--beta-coeffs", "5000,20,100"),
)
ROUND_ROBIN = [27470, 38610, 27570, 51650, 20210, 23520, 33500, 18410]


@pytest.fixture
def command(capsys) -> Command:
    return Command(capsys)


@pytest.fixture
def trace(tmp_path: Path) -> tuple[str, ...]:
    """Flags that name the section's requests as a file of token lists."""
    lines = ["arrival_time,request_id,model,prefill_tokens,decode_tokens"]
    for number, (arrival_s, runs, outputs) in enumerate(REQUESTS):
        prompt = [token for first, last in runs for token in range(first, last + 1)]
        lines.append(f'{arrival_s},r{number},m,"{prompt}","{list(range(900, 900 + outputs))}"')
    path = tmp_path / "trace.csv"
    path.write_text("\n".join(lines) + "\n")
    return "--workload", "traces", "--workload-traces-filepath", str(path)


@pytest.mark.parametrize(
    ("more", "targets", "e2e_us"),
    [
        ((), [0, 1, 2, 0, 1, 2, 0, 1], ROUND_ROBIN),
        (("--routing-policy", "least-loaded"), [0, 1, 2, 0, 1, 2, 0, 1], ROUND_ROBIN),
        (
            ("--routing-policy", "least-loaded", "--admission-latency", 300, "--routing-latency", 700),
            [0, 1, 2, 0, 1, 2, 0, 1],
            [us + 1000 for us in ROUND_ROBIN],
        ),
        (
            ("--routing-policy", "weighted", "--routing-scorers", ""),
            [0, 1, 0, 2, 0, 1, 0, 2],
            [27610, 37470, 31770, 48210, 20410, 22320, 33140, 19810],
        ),
        (
            ("--routing-policy", "weighted", "--routing-scorers", " prefix-affinity : 1 ,queue-depth:1"),
            [0, 1, 2, 0, 2, 1, 2, 0],
            [27470, 37470, 27310, 51970, 21210, 22320, 32080, 18470],
        ),
        (
            ("--routing-policy=weighted", "--routing-scorers=kv-utilization:1", "--snapshot-refresh-interval=5000"),
            [0, 0, 0, 0, 0, 1, 2, 2],
            [33730, 38830, 32730, 52130, 20930, 21860, 33300, 23050],
        ),
        (
            ("--routing-policy", "prefix-affinity"),
            [0, 1, 2, 0, 0, 1, 2, 0],
            [27570, 37470, 27130, 52070, 20370, 22320, 32160, 18570],
        ),
        (
            ("--routing-policy", "always-busiest"),
            [0] * 8,
            [35870, 40390, 34870, 53890, 21090, 25820, 35740, 20190],
        ),
    ],
)
def test_the_recorded_vectors(command, trace, tmp_path, more, targets, e2e_us):
    command("run", *FLAGS, *trace, "--compat", "original", "--results-path", tmp_path / "out.json", *more)
    records = json.loads((tmp_path / "out.json").read_text())["requests"]
    assert [record["requestID"] for record in records] == [f"request_{i}" for i in range(8)]
    assert [record["handled_by"] for record in records] == [f"instance_{target}" for target in targets]
    assert [round(record["e2e_ms"] * 1000) for record in records] == e2e_us


@pytest.mark.parametrize(
    ("policy", "mean", "largest"),
    [("round-robin", 0, 0), ("prefix-affinity", 0.125, 1), ("always-busiest", 3.25, 6)],
)
def test_the_recorded_regrets(command, trace, policy, mean, largest):
    decisions = ("--trace-level", "decisions", "--counterfactual-k", 2, "--summarize-trace")
    flags = (*FLAGS, *trace, "--routing-policy", policy, "--compat", "original", *decisions)
    out, _ = command("run", *flags, "--output", "original")
    summary = out[out.index("=== Trace Summary ===") :]
    assert summary.startswith(
        "=== Trace Summary ===\nTotal Decisions: 8\n  Admitted: 8\n  Rejected: 0\nUnique Targets: "
    )
    assert f"Mean Regret: {mean:.6f}" in summary and f"Max Regret: {largest:.6f}" in summary
    document = json.loads(command("run", *flags)[0])["trace_summary"]
    assert (document["mean_regret"], document["max_regret"]) == (mean, largest)


def test_decisions_are_written_line_by_line(command, trace, tmp_path):
    wanted = ("--trace-output", tmp_path / "d.jsonl", "--counterfactual-k", 2)
    out, err = command("run", *FLAGS, *trace, *wanted)
    records = [json.loads(line) for line in (tmp_path / "d.jsonl").read_text().splitlines()]
    assert [record["kind"] for record in records].count("routing") == 8 and len(records) == 16
    assert all(len(record["candidates"]) == 2 for record in records if record["kind"] == "routing")
    assert "trace_summary" not in json.loads(out) and err == ""
    assert out == command("run", *FLAGS, *trace)[0]


def test_the_most_regretted_decisions_are_run_again_with_every_other_choice(command, trace, tmp_path):
    flags = (*FLAGS, *trace, "--routing-policy", "always-busiest", "--trace-level", "decisions")
    wanted = (*flags, "--counterfactual-replay", 2, "--trace-output", tmp_path / "d.jsonl")
    replays = json.loads(command("run", *wanted)[0])["counterfactual_replays"]
    routed = [json.loads(line) for line in (tmp_path / "d.jsonl").read_text().splitlines()]
    regrets = {record["request_id"]: record["load_regret"] for record in routed if record["kind"] == "routing"}
    assert sorted(regrets.values())[-2:] == sorted(regrets[replay["request_id"]] for replay in replays)
    for replay in replays:
        assert replay["chosen_instance"] == "instance_0"
        assert {other["instance"] for other in replay["instead"]} == {"instance_1", "instance_2"}
        changes = [other["e2e_change_ms"] for other in replay["instead"]]
        assert replay["realised_regret_ms"] == max(0, -min(changes))
        assert replay["realised_regret_ms"] > 0  # an idle instance would have been faster
    text = command("run", *flags, "--counterfactual-replay", 2, "--output", "original")[0]
    _, *lines = text[text.index("=== Counterfactual Replays ===") :].splitlines()
    assert [json.loads(line) for line in lines] == replays


@pytest.mark.parametrize("rules", [(), ("--compat", "original")])
def test_replays_keep_to_the_rules_of_the_run(command, tmp_path, rules):
    """Requests far apart meet an idle cluster wherever they go: another choice changes nothing."""
    header = "request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id"
    lines = [f"r{i},{i * 10**7},{100 + i},{5 + i},,0,," for i in range(4)]
    (tmp_path / "apart.csv").write_text("\n".join([header, *lines]) + "\n")
    decisions = ("--trace-level", "decisions", "--counterfactual-replay", 4)
    out, _ = command("run", *FLAGS, "--requests", tmp_path / "apart.csv", *rules, *decisions)
    replays = json.loads(out)["counterfactual_replays"]
    assert {replay["request_id"] for replay in replays} == {"r0", "r1", "r2", "r3"}
    changes = [change for replay in replays for other in replay["instead"] for change in list(other.values())[1:]]
    assert changes == [0] * 4 * 2 * 5


def test_a_summary_without_decisions_is_only_a_warning(command, trace):
    for more in (("--summarize-trace",), ("--counterfactual-k", 2), ("--trace-level", "none", "--summarize-trace")):
        out, err = command("run", *FLAGS, *trace, *more)
        assert "change nothing without --trace-level decisions" in err
        assert "trace_summary" not in json.loads(out)


def test_rejected_requests_are_counted_and_have_no_record(command, trace, tmp_path):
    bucket = ("--admission-policy", "token-bucket", "--token-bucket-capacity", 40, "--token-bucket-refill-rate", 1000)
    out, _ = command("run", *FLAGS, *trace, *bucket, "--output", "original", "--results-path", tmp_path / "out.json")
    document = json.loads((tmp_path / "out.json").read_text())
    assert (document["generated_requests"], document["injected_requests"], document["rejected_requests"]) == (8, 4, 4)
    assert len(document["requests"]) == 4
    counters = "=== Anomaly Counters ===\nPriority Inversions: 0\nHOL Blocking Events: 0\n"
    assert counters + "Rejected Requests: 4\nDropped Unservable: 0\n" in out


BASE_KEYS = [
    *("instance_id", "completed_requests", "still_queued", "still_running", "injected_requests"),
    *("total_input_tokens", "total_output_tokens", "vllm_estimated_duration_s", "responses_per_sec", "tokens_per_sec"),
    *(f"{name}_{key}_ms" for name in ("e2e", "ttft", "itl") for key in ("mean", "p90", "p95", "p99")),
    *("scheduling_delay_p99_ms", "preemption_count", "dropped_unservable"),
]


def test_the_results_file_has_the_keys_of_the_original_in_its_order(command, trace, tmp_path):
    command("run", *FLAGS, *trace, "--results-path", tmp_path / "out.json", "--horizon", 25_000)
    text = (tmp_path / "out.json").read_text()
    document = json.loads(text)
    assert list(document)[: len(BASE_KEYS)] == BASE_KEYS
    assert list(document)[-1] == "requests" and not text.endswith("\n")
    assert document["injected_requests"] == sum(
        document[key]
        for key in ("completed_requests", "still_queued", "still_running", "dropped_unservable", "in_transit")
    )
    assert document["completed_requests"] < 8 and '"vllm_estimated_duration_s": 0.025' in text
    record = document["requests"][0]
    assert list(record)[:4] == ["arrived_at", "requestID", "num_prefill_tokens", "num_decode_tokens"]
    assert text.count('"arrived_at": 0,') == 2  # whole numbers have no point
    unfinished = [record for record in document["requests"] if record["status"] != "completed"]
    assert unfinished and all(record["e2e_ms"] is None and record["itl_ms"] is None for record in unfinished)


def test_numbers_of_a_recorded_run(command, tmp_path):
    """The summary that the original printed of a case, in ms."""
    case = REFERENCE / "rr4"
    files = ("--config", case / "config.yaml", "--requests", case / "requests.csv")
    out, _ = command("run", *files, "--compat", "original", "--output", "original")
    blocks = [json.loads(block.split("\n===")[0]) for block in out.split("=== Simulation Metrics ===\n")[1:]]
    assert [block["instance_id"] for block in blocks] == [*(f"instance_{i}" for i in range(4)), "cluster"]
    expected = load_mapping(case / "expected.yaml")["aggregate"]
    cluster = blocks[-1]
    assert cluster["vllm_estimated_duration_s"] == expected["sim_ended_us"] / 1e6
    for key in ("completed_requests", "total_input_tokens", "total_output_tokens", "injected_requests"):
        assert sum(block[key] for block in blocks[:-1]) == cluster[key]
    assert max(block["vllm_estimated_duration_s"] for block in blocks[:-1]) == cluster["vllm_estimated_duration_s"]
    for key, value in load_mapping(case / "expected.yaml")["cli_summary_ms"].items():
        if key in cluster:
            assert cluster[key] == pytest.approx(value, rel=1e-12), key


def test_sections_appear_when_there_is_something_to_say(command, small_run):
    together = ("--routing-policy", "weighted", "--routing-scorers", "prefix-affinity:1")
    weights = ("--fitness-weights", "throughput:1,mean_e2e:0.5")
    out, _ = command(*small_run, *together, *weights, "--compat", "original", "--output", "original")
    headings = re.findall(r"^=== (.*) ===$", out, re.MULTILINE)
    assert headings == ["Simulation Metrics"] * 2 + ["Fitness Evaluation", "KV Cache Metrics", "Per-SLO Metrics"]
    assert re.search(r"^Score: \d\.\d{6}\n  mean_e2e: \d\.\d{6}\n  throughput: \d\.\d{6}$", out, re.MULTILINE)
    assert re.search(r"^  fast:\n    TTFT: mean=\d+\.\d\dms p99=\d+\.\d\dms \(n=2\)$", out, re.MULTILINE)
    assert re.search(r"^Cache Hit Rate: 0\.\d{4}$", out, re.MULTILINE)
    one, _ = command(*small_run, "--output", "original", "--num-instances", 1)
    assert one.count("=== Simulation Metrics ===") == 1


def test_nothing_completed_prints_no_block_but_writes_the_file(command, small_run, tmp_path):
    reject = ("--admission-policy", "reject-all")
    out, err = command(*small_run, *reject, "--output", "original", "--results-path", tmp_path / "o.json")
    assert "Simulation Metrics" not in out and "Rejected Requests: 3" in out
    assert "no request was completed" in err
    document = json.loads((tmp_path / "o.json").read_text())
    assert document["completed_requests"] == 0 and document["e2e_mean_ms"] is None and "requests" not in document


def test_a_run_without_duration_has_no_infinite_rate(command, trace, tmp_path):
    flags = ("--alpha-coeffs", "0,0,1e-9", "--beta-coeffs", "0,0,0")
    command("run", *FLAGS, *flags, *trace, "--results-path", tmp_path / "o.json")
    assert json.loads((tmp_path / "o.json").read_text())["completed_requests"] == 8


def test_the_original_s_workloads(command):
    named = json.loads(command("run", "--model", MODEL, "--workload", "chatbot", "--rate", 50, "--num-requests", 40)[0])
    assert named["completed_requests"] == 40
    default = json.loads(command("run", "--model", MODEL, "--num-requests", 10)[0])
    same = json.loads(command("run", "--model", MODEL, "--num-requests", 10, "--seed", 42, "--rate", 1)[0])
    assert default == same and default["completed_requests"] == 10
    other = json.loads(command("run", "--model", MODEL, "--num-requests", 10, "--seed", 43)[0])
    assert other != default
    lengths = ("--prompt-tokens", 5, "--prompt-tokens-min", 5, "--prompt-tokens-max", 5, "--prefix-tokens", 32)
    fixed = json.loads(command("run", "--model", MODEL, "--num-requests", 10, *lengths)[0])
    assert fixed["total_input_tokens"] == 370
    cut = json.loads(command("run", "--model", MODEL, "--rate", 10, "--horizon", 1_000_000)[0])
    assert cut["requests"] == 10
    free = json.loads(command("run", "--model", MODEL, "--num-requests", 10, "--horizon", 2**63 - 1)[0])
    assert free == default


def test_the_gap_of_compat_is_the_original_s(command, tmp_path):
    for compat, last_s in (((), 0.9), (("--compat", "original"), 0.899991)):
        command(
            *("run", "--model", MODEL, "--rate", 10, "--num-requests", 10, "--results-path", tmp_path / "o.json"),
            *compat,
        )
        assert json.loads((tmp_path / "o.json").read_text())["requests"][-1]["arrived_at"] == last_s


def test_too_long_requests_are_left_out_and_counted(command, small_run, tmp_path):
    err = command(*small_run, "--max-model-len", 120, "--results-path", tmp_path / "o.csv")[1]
    assert "1 of 3 requests, longer than --max-model-len, are left out" in err
    assert [row["request_id"] for row in rows(tmp_path / "o.csv")] == ["a", "c"]
    assert command(*small_run, "--max-model-len", 201)[1] == command(*small_run)[1] == ""
    assert "no request is left" in command.fails(*small_run, "--max-model-len", 1, "--log", "error")


def test_the_log_level_decides_what_is_said(command, small_run):
    quiet = ("--seed", 4, "--log", "error")
    assert command(*small_run, *quiet)[1] == ""
    assert "warning: --seed changes nothing" in command(*small_run, "--seed", 4)[1]
    told = command(*small_run, "--log", "info")[1]
    assert "2 instances; blackbox" in told and "3 requests" in told and "routing least-loaded" in told


def test_what_has_no_effect_is_said(command, small_run):
    tier = ("--kv-cpu-blocks", 10, "--kv-offload-threshold", 0.5)
    assert "offload_threshold has no effect" in command(*small_run, *tier)[1]
    assert command(*small_run, "--kv-cpu-blocks", 10)[1] == ""
    late = ("--admission-latency", 50, "--routing-latency", 60, "--horizon", 100)
    assert "routed 110 µs after it came, beyond the horizon of 100 µs" in command(*small_run, *late)[1]
    lengths = ("run", "--model", MODEL, "--num-requests", 3, "--workload", "chatbot", "--prompt-tokens", 9)
    assert "'chatbot' has its own lengths" in command(*lengths)[1]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((), "--config or --model must be given"),
        (("--model", "nobody/nothing"), "unknown model 'nobody/nothing'"),
        (("--model", MODEL, "--workload", "chatbt"), "unknown workload 'chatbt' (did you mean 'chatbot'?)"),
        (("--model", MODEL, "--workload", "traces"), "--workload traces needs --workload-traces-filepath"),
        (("--model", MODEL, "--workload-traces-filepath", "x"), "needs --workload traces"),
        (("--model", MODEL, "--rate", "0"), "--rate must be > 0, got 0"),
        (("--model", MODEL, "--rate", "nan"), "--rate must be finite"),
        (("--model", MODEL, "--num-requests", "0"), "--num-requests must be"),
        (("--model", MODEL, "--prompt-tokens", "9000"), "--prompt-tokens: min <= mean <= max must hold"),
        (("--model", MODEL, "--output-tokens-stdev=-1"), "--output-tokens-stdev must be"),
        (("--model", MODEL, "--max-model-len=-1"), "--max-model-len must be"),
        (("--model", MODEL, "--seed=-1"), "--seed must be"),
        (("--model", MODEL, "--admission-latency=-1"), "admission.latency_us must be"),
        (("--model", MODEL, "--kv-transfer-bandwidth", "0"), "kv.transfer_bandwidth must be > 0"),
        (("--model", MODEL, "--kv-offload-threshold", "1.5"), "kv.offload_threshold must be in [0, 1]"),
        (("--model", MODEL, "--kv-cpu-blocks=-1"), "kv.cpu_blocks must be"),
        (("--model", MODEL, "--long-prefill-token-threshold=-1"), "long_prefill_threshold must be"),
        (("--model", MODEL, "--vllm-version", "v9"), "are of vLLM v0.8.4"),
        (("--model", MODEL, "--latency-model", "bluebox"), "did you mean 'blackbox'?"),
        (("--model", MODEL, "--log", "loud"), "loud"),
        (("--model", MODEL, "--trace-level", "all"), "all"),
        (("--model", MODEL, "--counterfactual-k=-1"), "--counterfactual-k must be >= 0"),
        (("--model", MODEL, "--output", "xml"), "xml"),
        (("--model", MODEL, "--requests", "r.csv", "--rate", "3"), "--requests gives them all"),
        (("--model", MODEL, "--hardware-config", "h.json"), "--hardware-config needs --hardware"),
        (("--model", MODEL, "--routing-policy", "weighted", "--routing-scorers", "queue-depth:1,"), "has no weight"),
    ],
)
def test_mistakes_are_one_line(command, arguments, part):
    assert part in command.fails("run", *arguments)


def test_a_specification_may_be_completed_by_flags(command, tmp_path):
    spec = {
        "aggregate_rate": 20,
        "clients": [
            {
                "rate_fraction": 1,
                "arrival": {"process": "constant"},
                "input_distribution": {"type": "constant", "params": {"value": 10}},
                "output_distribution": {"type": "constant", "params": {"value": 2}},
            }
        ],
    }
    dump_yaml(spec, tmp_path / "spec.yaml")
    run = ("run", "--model", MODEL, "--workload-spec", tmp_path / "spec.yaml")
    assert "num_requests or horizon must be given" in command.fails(*run)
    assert json.loads(command(*run, "--num-requests", 7)[0])["requests"] == 7
    assert json.loads(command(*run, "--horizon", 1_000_000)[0])["requests"] == 19
    out, err = command(*run, "--num-requests", 7, "--workload", "traces")
    assert json.loads(out)["requests"] == 7 and "--workload changes nothing" in err
