"""`blis export`: a policy bundle as the files that deploy it."""

from __future__ import annotations

import argparse
from typing import Any

from blis.cli.import_config import deliver
from blis.deploy.dialects import DIALECTS, ROUTER
from blis.deploy.notes import Notes
from blis.deploy.targets import TARGETS, export_text
from blis.policies.bundle import load_bundle

_EXAMPLES = """\
examples:
  blis export best_policy.yaml --target llm-d --out epp.yaml
  blis export best_policy.yaml --target llm-d --dialect gie-1.3 --out epp.yaml
  blis export best_policy.yaml --target helm --out values.yaml        # helm install … -f values.yaml
  blis export best_policy.yaml --target vllm --out serve.yaml         # vllm serve MODEL --config serve.yaml
  blis export conf/policy/power-of-two.yaml --target vllm-router

Weights are whole numbers in the ratio of the bundle's. What is only nearly the same is told on stderr and in comments
of the file; what the target does not have is refused by name, with the nearest that it has.
"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "export",
        help="write a policy bundle as the configuration of a router or an engine",
        description="Write a policy bundle as the configuration of a router or an engine.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("bundle", metavar="BUNDLE", help="policy bundle YAML")
    parser.add_argument("--target", required=True, choices=list(TARGETS), help="what reads the file")
    parser.add_argument("--dialect", choices=list(DIALECTS), default=ROUTER, help=f"of a router; default {ROUTER}")
    parser.add_argument("--out", metavar="FILE", help="where the file goes; default: stdout")
    parser.add_argument("--json", action="store_true", help="the file's text and its approximations as JSON on stdout")


def execute(options: argparse.Namespace) -> None:
    """Write the file."""
    notes = Notes()
    text = export_text(load_bundle(options.bundle), options.target, DIALECTS[options.dialect], notes)
    deliver(options, text, {"file": text}, notes)
