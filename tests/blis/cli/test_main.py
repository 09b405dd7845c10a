"""The command as a process: exit statuses, one-line errors, closed pipes."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

from blis.cli.main import main
from tests.places import ROOT

BLIS = [sys.executable, "-m", "blis.cli.main"]


def test_help_shows_examples(capsys):
    for arguments in (["--help"], ["run", "--help"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 0
    assert "examples:\n  blis run --config scenario.yaml" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "COMMAND"),
        (
            ["rum"],
            "unknown command 'rum' (did you mean 'run'?); choose one of: calibrate, capacity,",
        ),
        (["validat", "--help"], "did you mean 'validate'?"),
        (["run", "--num-instances", "+2"], "'+2' is not a whole number"),
        (["run", "--rate", "1_0"], "'1_0' is not a number"),
        (["run", "--warm-up", "1_0"], "'1_0' is not a number"),
        (["run", "--confg", "x"], "--confg"),
        (["run", "--num-instances", "two"], "'two'"),
        (["run", "--requests", "a.csv", "--workload-spec", "b.yaml"], "not allowed with"),
        (["run", "--compat", "orginal"], "orginal"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_status_2(arguments, part, capsys):
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("blis: error: ") and output.err.count("\n") == 1
    assert part in output.err


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"blis {version('blis')}\n"


def test_a_broken_law_is_a_failure(small_run, capsys, monkeypatch):
    monkeypatch.setattr("blis.api.check_laws", lambda *_: ["time ran backwards"])
    assert main(small_run) == 1
    output = capsys.readouterr()
    assert (output.out, output.err) == ("", "blis: error: time ran backwards\n")


def test_too_little_memory_is_one_line(small_run, capsys, monkeypatch):
    def give_up(*_arguments, **_options):
        raise MemoryError

    monkeypatch.setattr("blis.api.simulate", give_up)
    assert main(small_run) == 1
    assert capsys.readouterr().err == "blis: error: a run of this size does not fit in memory\n"


def test_help_and_mistakes_do_not_load_the_engine():
    script = (
        "import sys, blis.cli.main as m; s = m.main(['run', '--seed', 'x']); print(s, 'blis.engine.run' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"]


def test_a_closed_pipe_is_no_traceback(small_run):
    process = subprocess.Popen([*BLIS, *small_run], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=300) == 1
    assert process.stderr.read() == ""
    process.stderr.close()
