"""How far an observation is, where nobody watches."""

from __future__ import annotations

from blis.cli import observe_progress
from blis.cli.diagnostics import Log
from blis.cli.observe_progress import Progress
from blis.observe.seen import OK, Seen


def test_a_line_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(observe_progress, "LINE_EVERY_S", 0)
    with Progress(3, Log()) as progress:
        progress.seen(Seen(status=OK))
        progress.seen(Seen())
    assert capsys.readouterr().err.splitlines() == [
        "blis: 1 of 3 requests, 0 without a whole answer",
        "blis: 2 of 3 requests, 1 without a whole answer",
    ]


def test_nothing_where_it_is_over_before_that(capsys):
    with Progress(1, Log()) as progress:
        progress.seen(Seen(status=OK))
    assert capsys.readouterr().err == ""
