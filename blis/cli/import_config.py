"""`blis import`: the configuration of a router and an engine as a policy bundle."""

from __future__ import annotations

import argparse
import json
from typing import Any

from blis.deploy.document import load_document
from blis.deploy.helm import inner_config
from blis.deploy.import_epp import import_epp
from blis.deploy.notes import Notes
from blis.deploy.targets import commented
from blis.deploy.vllm import import_vllm
from blis.errors import InputError
from blis.files import write_text
from blis.policies.bundle import bundle_mapping, load_bundle
from blis.stdout import note
from blis.yaml_strict import named_source, yaml_text

_EXAMPLES = """\
examples:
  blis import epp.yaml --out mine.yaml
  blis import epp.yaml --vllm serve.yaml --out mine.yaml          # engine arguments: a --config file or a command line
  blis import values.yaml                                         # the helm values of a router; the bundle on stdout
  python -m search primary=mine.yaml search_space.from=mine vary=[routing.scorers]

The file is checked as strictly as the router does it. What cannot be simulated is refused by name, with the nearest
that can be; what is only nearly the same, or is a scenario's to say, is told on stderr and in comments of the bundle.
"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "import",
        help="make a policy bundle of an llm-d router's configuration and vLLM's arguments",
        description="Make a policy bundle of an EndpointPickerConfig (llm-d, Gateway API) and of arguments of vLLM.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("config", nargs="?", metavar="EPP.yaml", help="EndpointPickerConfig, or helm values with one")
    parser.add_argument("--vllm", metavar="FILE", help="arguments of vLLM: YAML for its --config, or a command line")
    parser.add_argument("--out", metavar="FILE", help="where the bundle goes; default: stdout")
    parser.add_argument("--json", action="store_true", help="the bundle and its approximations as JSON on stdout")


def execute(options: argparse.Namespace) -> None:
    """Read what is given, and write the bundle."""
    if options.config is None and options.vllm is None:
        raise InputError("nothing to import; give an EndpointPickerConfig, --vllm FILE, or both")
    notes = Notes()
    mapping = import_epp(inner_config(load_document(options.config)), notes) if options.config else {}
    mapping |= import_vllm(options.vllm, notes) if options.vllm else {}
    with named_source(options.config or options.vllm):
        bundle = bundle_mapping(load_bundle(mapping))
    deliver(options, commented(notes) + yaml_text(bundle), {"bundle": bundle}, notes)


def deliver(options: argparse.Namespace, text: str, result: dict[str, Any], notes: Notes) -> None:
    """The text to its file or to stdout, or JSON there; what is only nearly the same to stderr."""
    if options.out is not None:
        write_text(options.out, text)
    if options.json:
        print(json.dumps({**result, "out": options.out, "approximations": notes}, indent=2))
    elif options.out is not None:
        print(f"{options.out}: written, {len(notes) or 'no'} remark{'' if len(notes) == 1 else 's'}")
    else:
        print(text, end="")
    for one in notes:
        note(f"blis: note: {one}")
