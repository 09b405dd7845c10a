"""Standard output that is closed or full: the exit status says so, at most one line tells why."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from blis.stdout import note
from tests.places import ROOT

#: Says something twice, and on stderr what became of it.
SAY = "print(say('first'), say('second'), file=sys.stderr)"
PRINT = "print('x' * 100_000)"  # more than a buffer holds
HELP = "argparse.ArgumentParser(prog='x').parse_args(['--help'])"  # ends with SystemExit

BUFFERED = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}


@contextmanager
def stdout(kind: str) -> Iterator[int]:
    """A descriptor: of a full disk, of a pipe that nobody reads, of nothing that matters."""
    if kind == "unread":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open("/dev/full" if kind == "full" else "/dev/null", os.O_WRONLY)
    try:
        yield writer
    finally:
        os.close(writer)


def command(what: str, kind: str) -> tuple[int, list[str]]:
    """Exit status and stderr of a command with such a standard output."""
    imports = "import argparse, signal, sys\nfrom blis.stdout import delivered, say\n"
    script = f"{imports}sys.exit(delivered(lambda: {what} or 0))"
    closing = ["bash", "-c", 'exec "$@" >&-', "bash"] if kind == "closed" else []
    with stdout(kind) as descriptor:
        done = subprocess.run(
            [*closing, sys.executable, "-c", script],
            cwd=ROOT, env=BUFFERED, stdout=descriptor, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    return done.returncode, done.stderr.splitlines()


FULL = "error: standard output: No space left on device"


@pytest.mark.parametrize(
    ("kind", "lines"),
    [("fine", ["True True"]), ("closed", ["True True"]), ("unread", ["False True"]), ("full", [FULL, "False True"])],
)
def test_who_says_something_hears_whether_it_arrived(kind, lines):
    assert command(SAY, kind) == (0, lines)


@pytest.mark.parametrize("what", [PRINT, HELP])
@pytest.mark.parametrize(("kind", "status", "lines"), [("fine", 0, []), ("unread", 1, []), ("full", 1, [FULL])])
def test_what_is_printed_arrives_or_the_exit_status_says_so(what, kind, status, lines):
    assert command(what, kind) == (status, lines)


def test_what_a_terminal_has_no_letter_for_is_spelled_out():
    assert command("print('\\udc80')", "fine") == (0, [])


def test_ctrl_c_is_no_traceback():
    assert command("signal.default_int_handler(2, None)", "fine") == (130, [])  # what Python calls


@pytest.mark.parametrize("stderr", [">&-", "> /dev/full"])
def test_a_remark_that_nobody_can_read_stops_nothing(stderr):
    script = "from blis.stdout import note; note('x'); note('y'); print('done')"
    done = subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" 2{stderr}', sys.executable, script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert done.stdout == "done\n"


def test_a_remark_is_a_line_on_standard_error(capsys):
    note("so it is")
    assert capsys.readouterr() == ("", "so it is\n")


def test_trouble_with_a_file_is_not_taken_for_that():
    status, lines = command("open('/nowhere')", "fine")
    assert (status, lines[-1]) == (1, "FileNotFoundError: [Errno 2] No such file or directory: '/nowhere'")
