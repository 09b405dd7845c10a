"""`blis profile`: a twin of a trace, and how well it matches."""

from __future__ import annotations

import numpy as np
import pytest

from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec
from tests.blis.cli.commands import Command
from tests.blis.workload.trace_files import write_mooncake
from tests.places import CONF


@pytest.fixture
def blis(capsys):
    return Command(capsys)


@pytest.fixture
def trace(tmp_path):
    random = np.random.default_rng(1)
    rows = [
        (int(at), 1024 + int(own), int(out), [int(group), 100 + int(group), 10_000 + i])
        for i, (at, own, out, group) in enumerate(
            zip(
                np.cumsum(random.geometric(1 / 120, 600)),
                random.integers(1, 512, 600),
                random.integers(5, 200, 600),
                random.zipf(1.5, 600) % 50,
                strict=True,
            )
        )
    ]
    return write_mooncake(tmp_path / "trace.jsonl", rows)


def test_the_twin_is_written_and_held_against_the_trace(blis, trace, tmp_path):
    output, _ = blis("profile", trace, "--out", tmp_path / "twin.yaml")
    facts = {line.split("  ")[0]: line.split()[-3:] for line in output.splitlines()}
    assert float(facts["input tokens"][2]) < 0.1
    trace_hits, twin_hits = map(float, facts["ideal hit rate"][1:])
    assert twin_hits == pytest.approx(trace_hits, abs=0.05)
    assert "not carried: which prompts share" in output
    twin = generate(load_spec(tmp_path / "twin.yaml"), 1)
    assert twin.offered_per_s == pytest.approx(1000 / 120, rel=0.15)
    assert (tmp_path / "twin.yaml").read_text().startswith("# Profile of trace.jsonl: 600 requests in ")
    assert load_spec(tmp_path / "twin.yaml").name == "trace"


def test_the_same_twice(blis, trace, tmp_path):
    first, second = (blis("profile", trace, "--out", tmp_path / name)[0] for name in ("a.yaml", "b.yaml"))
    assert first == second
    assert (tmp_path / "a.yaml").read_bytes() == (tmp_path / "b.yaml").read_bytes()


def test_policies_are_ranked_on_both(blis, trace):
    names = ("round-robin", "least-request", "llm-d-default")
    policies = [CONF / "policy" / f"{name}.yaml" for name in names]
    output, _ = blis("profile", trace, "--config", CONF / "cluster" / "h100x4.yaml", "--policies", *policies)
    assert "Kendall's tau of 3 policies: trace and twin " in output
    assert all(f"\n{name} " in output for name in names)


def test_a_drawn_workload_has_a_twin_too(blis):
    output, _ = blis("profile", "chat_prefix")
    assert "not carried: classes (3)\nnot carried: tenants (75)\n" in output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "TRACE|SPEC|NAME"),
        (["chat_prefx"], "chat_prefix"),
        (["T", "--policies", "a.yaml", "b.yaml"], "--policies and --config go together"),
        (["T", "--config", "c.yaml", "--policies", "a.yaml"], "two policies or more by --policies"),
        (["T", "--out", "twin.json"], "--out must end in .yaml"),
        (["T", "--twin-seed", "-1"], "--twin-seed"),
        (["nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_wrong_input_is_one_line(blis, trace, arguments, said):
    assert said in blis.fails("profile", *(trace if word == "T" else word for word in arguments))


def test_what_does_not_match_is_said_and_is_no_failure(blis, tmp_path):
    """A hundred at once, then again after a minute: no process of gaps makes that."""
    rows = [(60_000 * (i // 100) + i % 100, 512, 10, [i]) for i in range(300)]
    output, _ = blis("profile", write_mooncake(tmp_path / "trace.jsonl", rows))
    (line,) = (line for line in output.splitlines() if line.startswith("poor match: "))
    assert line.startswith("poor match: gap s: ") and line.endswith(" above 0.15")
