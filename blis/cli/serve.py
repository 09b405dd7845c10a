"""`blis serve`: a simulated cluster that answers over HTTP like a real one."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from blis.cli.diagnostics import LEVELS, Log
from blis.cli.flags import number, whole
from blis.cli.run_requests import SPEC_HELP
from blis.cli.run_scenario import add_scenario_flags, read_scenario
from blis.cli.serve_backends import add_backend_flags, check_no_backend_flags, serve_backends
from blis.cli.workload_names import workload_file
from blis.config import Scenario
from blis.errors import check_integer, check_number
from blis.stdout import note
from blis.yaml_strict import load_mapping, named_source

if TYPE_CHECKING:
    from blis.serve.lengths import Lengths

_EXAMPLES = """\
examples:
  blis serve --config conf/cluster/h100x4.yaml --policy-config conf/policy/lmetric.yaml
  blis serve --config conf/cluster/h100x4.yaml --speed 10 --workload-spec chat_prefix    # ten times as fast
  blis serve --config conf/cluster/h100x4.yaml --ports-from 9001    # each instance on a port of its own
  blis serve --backend http://10.0.0.1:8000 --backend http://10.0.0.2:8000 --policy-config conf/policy/lmetric.yaml

One port is the whole cluster behind its router; with --ports-from each instance is a cluster of one. A request without
ignore_eos is answered at the length of an answer of the workload, or 128 tokens. docs/serve.md has the rest.
With --backend nothing is simulated but the router: it decides before real servers. docs/gateway.md has the rest.
"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "serve",
        help="a simulated cluster behind HTTP, with OpenAI's endpoints and vLLM's metrics",
        description="Answer requests over HTTP as the simulated cluster would, until Ctrl-C.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute, workload=None)
    files = parser.add_argument_group("input and output")
    files.add_argument("--config", metavar="FILE", help="scenario YAML; it may hold a workload too")
    files.add_argument("--policy-config", metavar="FILE", help="policy bundle YAML")
    files.add_argument("--workload-spec", metavar="FILE|NAME", help=f"whose answers' lengths are taken: {SPEC_HELP}")
    files.add_argument("--tokenizer", metavar="FILE", help="tokenizer.json that counts; default: a word is a token")
    files.add_argument("--log", choices=LEVELS, default="warn", help="what to say on stderr; default warn")
    where = parser.add_argument_group("where and how fast")
    where.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="default 127.0.0.1: this machine only")
    where.add_argument("--port", type=whole, metavar="N", help="of the cluster, 0 = any; default 8000")
    where.add_argument(
        "--ports-from", type=whole, metavar="N", help="a port for each instance from this one on, 0 = any"
    )
    where.add_argument("--speed", type=number, default=1.0, metavar="X", help="simulated seconds a second; default 1")
    where.add_argument("--served-model-name", metavar="NAME", help="what clients call it; default: the model's name")
    where.add_argument("--drain", type=number, default=30.0, metavar="S", help="for what runs at the end; default 30")
    where.add_argument("--access-log", action="store_true", help="a line for each request on stdout")
    add_backend_flags(parser)
    add_scenario_flags(parser)


def execute(options: argparse.Namespace) -> None:
    """Check everything that was given, then serve until interrupted."""
    log = Log(options.log)
    if options.backend:
        serve_backends(options, log)
        return
    check_no_backend_flags(options)
    check_number("--speed", options.speed, 1e-3, 1e6)
    check_number("--drain", options.drain, 0, 86_400)
    scenario, workload = read_scenario(options, log)
    clusters = _clusters(options, scenario)

    from blis.serve.app import make_app
    from blis.serve.server import Port, address, listening, serve
    from blis.serve.service import make_service
    from blis.serve.words import Words, by_tokenizer

    lengths = _lengths(options, workload)
    words = Words(by_tokenizer(options.tokenizer)) if options.tokenizer else Words()
    model = options.served_model_name or scenario.instance.latency_model.model or "simulated"
    for port, _ in clusters:
        listening(options.host, port).close()  # if that cannot be, it is said before what takes long
    services = [
        (make_service(each, model, options.speed, lengths, words), listening(options.host, port))
        for port, each in clusters
    ]
    for (service, listener), (_, each) in zip(services, clusters, strict=True):
        count = each.cluster.instances
        what = f"{count} simulated instances" if count > 1 else "a simulated instance"
        note(f"blis: {address(listener)}: {what} of {service.model}, at {options.speed:g} times the real speed")
    ports = [Port(make_app(service), service.fleet, listener) for service, listener in services]
    serve(ports, options.drain, lambda text: note(f"blis: {text}"), options.access_log)


def _clusters(options: argparse.Namespace, scenario: Scenario) -> list[tuple[int, Scenario]]:
    """What is served, with its port: the cluster, each instance alone, or both."""
    count = scenario.cluster.instances
    found = []
    if options.port is not None or options.ports_from is None:
        port = 8000 if options.port is None else options.port
        check_integer("--port", port, 0, 65_535)
        found.append((port, scenario))
    if options.ports_from is not None:
        check_integer("--ports-from", options.ports_from, 0, 65_536 - count)
        first = options.ports_from
        found += [(first + i if first else 0, alone(scenario, i)) for i in range(count)]
    return found


def alone(scenario: Scenario, i: int) -> Scenario:
    """A cluster of one: instance i, with everything that it has of its own."""
    replica = scenario.replicas[i]
    return replace(scenario, instance=replica.instance, pools=(), cluster=replace(scenario.cluster, instances=1))


def _lengths(options: argparse.Namespace, embedded: dict[str, Any] | None) -> Lengths:
    """How long answers are: as those of the workload, if there is one."""
    from blis.serve.lengths import Lengths
    from blis.workload.source import load_workload, requests_of

    spec = options.workload_spec and workload_file(options.workload_spec)
    mapping = load_mapping(spec) if spec else embedded
    if mapping is None:
        return Lengths()
    with named_source(spec or f"{options.config}: workload"):
        return Lengths(requests_of(load_workload(mapping)).output_tokens)
