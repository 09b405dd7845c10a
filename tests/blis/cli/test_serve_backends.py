from __future__ import annotations

from argparse import ArgumentParser

import pytest

from blis.cli.serve_backends import add_backend_flags, rules_of
from blis.config import Breaker, Cluster, Retries
from tests.blis.cli.commands import Command

SERVER = ("--backend", "http://127.0.0.1:9")


@pytest.fixture
def command(capsys, monkeypatch):
    """One whose mistakes are found before it serves."""
    monkeypatch.setattr("blis.serve.server.serve", lambda *_: pytest.fail("it serves"))
    return Command(capsys)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--backend", "127.0.0.1:9"], "--backend must be a URL like"),
        (["--backend", "ftp://a"], "--backend must be a URL like"),
        (["--backend", "http://a:99999"], "--backend must be a URL like"),
        (["--backend", "http://a b/"], "--backend must be a URL like"),
        (["--backend", "http://me:secret@a"], "without a user"),
        (["--backend", "http://a/x?"], "without a user, a query"),
        ([*SERVER, "--drain", "nan"], "--drain"),
        (["--backend", "http://a/v1", "--backend", "http://a/"], "given twice"),
        ([*SERVER, "--speed", "2"], "--speed is for simulated instances"),
        ([*SERVER, "--ports-from", "9001"], "--ports-from is for simulated instances"),
        ([*SERVER, "--retry-share", "-1"], "--retry-share"),
        ([*SERVER, "--silence-timeout", "0"], "--silence-timeout"),
        ([*SERVER, "--customer-at-a-time", "-1"], "--customer-at-a-time"),
        ([*SERVER, "--heartbeat-every", "0"], "--heartbeat-every"),
        ([*SERVER, "--port", "70000"], "--port"),
        ([*SERVER, "--state", "mysqlx://a/b"], "mysqlx"),
        ([*SERVER, "--routing-policy", "weighted", "--routing-scorers", "precise-prefix-cache:1"], "prefix-affinity"),
        (["--sticky"], "--sticky needs --backend"),
        (["--state", "sqlite:///x"], "--state needs --backend"),
    ],
)
def test_what_cannot_be_is_said_before_anything_listens(command, flags, said):
    assert said in command.fails("serve", *flags)


@pytest.mark.parametrize(
    ("flags", "again"),
    [
        ([], Retries(limit=1, budget=0.5, backoff_us=7)),
        (["--retries", "3"], Retries(limit=3, budget=0.5, backoff_us=7)),
        (["--retry-share", "0.1"], Retries(limit=1, budget=0.1, backoff_us=7)),
        (["--retry-share", "0"], Retries(limit=1, budget=0.0, saved=0.0, backoff_us=7)),
    ],
)
def test_the_policy_says_what_becomes_of_servers_that_fail_unless_the_operator_does(flags, again):
    parser = ArgumentParser()
    add_backend_flags(parser)
    options = parser.parse_args([*SERVER, *flags])
    cluster = Cluster(retries=Retries(limit=1, budget=0.5, backoff_us=7), breaker=Breaker(3, 9))
    rules = rules_of(options, cluster)
    assert (rules.retries, rules.breaker) == (again, Breaker(3, 9))


def test_what_is_wrong_never_shows_a_password(command):
    for url in ("http://me:secret@a", "http://me:secret@a:99999", "http://me:secret@[a"):
        assert "secret" not in command.fails("serve", "--backend", url)
