"""`blis serve --backend`: a policy bundle before real servers."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from blis.cli.diagnostics import Log
from blis.cli.flags import number, whole
from blis.cli.run_scenario import scenario_of
from blis.config import CLASS_NAMES, MAX_INSTANCES, Cluster, Retries, Scenario
from blis.errors import InputError, check_integer, check_number
from blis.stdout import note
from blis.yaml_strict import load_mapping

#: Flags that only mean something where servers are real, with their defaults …
_DEFAULTS: dict[str, Any] = {
    "state": None,
    "session_ttl": 3600.0,
    "sticky": False,
    "retries": None,
    "retry_share": None,
    "connect_timeout": 2.0,
    "silence_timeout": 300.0,
    "scrape_every": 0.2,
    "heartbeat_every": 5.0,
    "offline_after": 15.0,
    "connections": 0,
    "customer_requests_minute": 0,
    "customer_tokens_minute": 0,
    "customer_at_a_time": 0,
}
#: … and those that only do where they are simulated.
_SIMULATED = {"speed": 1.0, "ports_from": None, "served_model_name": None, "workload_spec": None}


def add_backend_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a gateway."""
    group = parser.add_argument_group("before real servers")
    group.add_argument("--backend", action="append", metavar="URL", help="an OpenAI-compatible server; repeat it")
    group.add_argument("--state", metavar="URI", help="also kept over a restart: sqlite:///FILE, postgresql://...")
    group.add_argument("--session-ttl", type=number, metavar="S", help="a silent session is forgotten; default 3600")
    group.add_argument(
        "--sticky", action="store_true", help="a session stays on its server while that is up, whatever the policy"
    )
    group.add_argument(
        "--retries", type=whole, metavar="N", help="of a request, each elsewhere; default: the policy's, or 2"
    )
    group.add_argument(
        "--retry-share", type=number, metavar="X", help="retries a request in all; default: the policy's, or 0.2"
    )
    group.add_argument("--connect-timeout", type=number, metavar="S", help="for a connection; default 2")
    group.add_argument("--silence-timeout", type=number, metavar="S", help="no byte of an answer; default 300")
    group.add_argument("--scrape-every", type=number, metavar="S", help="of /metrics; default 0.2")
    group.add_argument("--heartbeat-every", type=number, metavar="S", help="of /health; default 5")
    group.add_argument("--offline-after", type=number, metavar="S", help="without a sign of life; default 15")
    group.add_argument("--connections", type=whole, metavar="N", help="to one server; default 0 = any number")
    group.add_argument("--customer-requests-minute", type=whole, metavar="N", help="default 0 = any number")
    group.add_argument(
        "--customer-tokens-minute", type=whole, metavar="N", help="of prompts and answers; default 0 = any number"
    )
    group.add_argument("--customer-at-a-time", type=whole, metavar="N", help="requests; default 0 = any number")
    parser.set_defaults(**_DEFAULTS)


def check_no_backend_flags(options: argparse.Namespace) -> None:
    """Raise InputError for a flag that needs --backend."""
    _check_unused(options, _DEFAULTS, "needs --backend: simulated instances do not fail")


def serve_backends(options: argparse.Namespace, log: Log) -> None:
    """Check everything that was given, then decide and send on until interrupted."""
    _check_unused(options, _SIMULATED, "is for simulated instances; with --backend nothing is simulated")
    _check_numbers(options)
    urls = _urls(options.backend)
    scenario = _scenario(options, log)
    port = 8000 if options.port is None else options.port
    check_integer("--port", port, 0, 65_535)

    from blis.engine.live.control_plane import ControlPlane, rehearse
    from blis.gateway.app import make_gateway_app
    from blis.gateway.gateway import Gateway
    from blis.gateway.scenario import before_servers
    from blis.gateway.state import open_state
    from blis.serve.server import Port, address, listening, serve
    from blis.serve.words import Words, by_tokenizer

    rules, scenario = rules_of(options, scenario.cluster), before_servers(scenario, len(urls))
    words = Words(by_tokenizer(options.tokenizer)) if options.tokenizer else Words()
    state = open_state(options.state, options.session_ttl)
    listening(options.host, port).close()  # if that cannot be, it is said before what takes long
    rehearse(scenario)
    listener = listening(options.host, port)
    classes = tuple(dict.fromkeys(["", *scenario.slo_tiers, *CLASS_NAMES]))
    gateway = Gateway(
        ControlPlane(scenario, classes),
        urls,
        rules,
        state,
        words,
        lambda text: note(f"blis: {text}"),
    )
    policy = scenario.cluster.routing.policy
    what = f"{len(urls)} servers" if len(urls) > 1 else "one server"
    note(f"blis: {address(listener)}: {policy} before {what}")
    ports = [Port(make_gateway_app(gateway, policy), gateway, listener)]
    serve(ports, options.drain, lambda text: note(f"blis: {text}"), options.access_log)


def _scenario(options: argparse.Namespace, log: Log) -> Scenario:
    """The control plane: of a scenario if one is given, and of the bundle."""
    from blis.gateway.scenario import ANY, with_unsaid

    mapping = load_mapping(options.config) if options.config else {} if options.model else ANY
    return scenario_of(with_unsaid(mapping), options.config or "blis serve", options, log)[0]


def _urls(given: list[str]) -> list[str]:
    """The servers' URLs without a slash at the end. Raises InputError."""
    urls = [url.rstrip("/").removesuffix("/v1") for url in given]
    for url in urls:
        if set(url) & set("@?#"):  # what is wrong is shown, and that may hold a password
            raise InputError("--backend must be a URL without a user, a query or a fragment")
        try:
            parts = urlsplit(url)
            right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and " " not in url
        except ValueError:
            right = False
        if not right:
            raise InputError(f"--backend must be a URL like http://127.0.0.1:8001, got {url[:200]!r}")
        if urls.count(url) > 1:
            raise InputError(f"--backend {url} is given twice")
    check_integer("servers of --backend", len(urls), 1, MAX_INSTANCES)
    return urls


def _check_numbers(options: argparse.Namespace) -> None:
    """Raise InputError for a number out of its range."""
    check_number("--drain", options.drain, 0, 86_400)
    check_number("--session-ttl", options.session_ttl, 1, 1e9)
    if options.retries is not None:
        check_integer("--retries", options.retries, 0, 20)
    if options.retry_share is not None:
        check_number("--retry-share", options.retry_share, 0, 10)
    check_number("--connect-timeout", options.connect_timeout, 0.01, 3600)
    check_number("--silence-timeout", options.silence_timeout, 0.1, 86_400)
    check_number("--scrape-every", options.scrape_every, 0.01, 3600)
    check_number("--heartbeat-every", options.heartbeat_every, 0.1, 3600)
    check_number("--offline-after", options.offline_after, 0.5, 86_400)
    for name in ("connections", "customer_requests_minute", "customer_tokens_minute", "customer_at_a_time"):
        check_integer(f"--{name.replace('_', '-')}", getattr(options, name), 0, 2**31 - 1)


def _check_unused(options: argparse.Namespace, defaults: dict[str, Any], why: str) -> None:
    for name, default in defaults.items():
        if getattr(options, name) != default:
            raise InputError(f"--{name.replace('_', '-')} {why}")


def rules_of(options: argparse.Namespace, cluster: Cluster) -> Any:
    """What the operator has set, and what the policy says of servers that fail."""
    from blis.gateway.customers import Allowance
    from blis.gateway.forward import Timeouts
    from blis.gateway.gateway import Rules
    from blis.gateway.watch import Times

    return Rules(
        times=Times(options.scrape_every, options.heartbeat_every, options.offline_after),
        timeouts=Timeouts(options.connect_timeout, options.silence_timeout),
        allowance=Allowance(
            options.customer_requests_minute, options.customer_tokens_minute, options.customer_at_a_time
        ),
        sticky=options.sticky,
        retries=_retries(options, cluster.retries),
        breaker=cluster.breaker,
        connections=options.connections,
    )


def _retries(options: argparse.Namespace, retries: Retries) -> Retries:
    """The policy's, but for what the operator says; a share of 0 is none at all."""
    if options.retries is not None:
        retries = replace(retries, limit=options.retries)
    if options.retry_share is not None:
        saved = retries.saved if options.retry_share else 0.0
        retries = replace(retries, budget=options.retry_share, saved=saved)
    return retries
