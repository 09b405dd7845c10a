"""`blis completion`: a script for the shell that completes commands, flags and their choices."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

_EXAMPLES = """\
examples:
  eval "$(blis completion bash)"                                # in this shell
  blis completion bash > ~/.local/share/bash-completion/completions/blis    # in every one
"""

_SCRIPT = """\
_blis() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} words=""
    case "$COMP_CWORD ${{COMP_WORDS[1]}} ${{COMP_WORDS[COMP_CWORD-1]}}" in
        "1 "*) words="{commands}" ;;
{cases}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _blis blis"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the subcommand, the last one: it completes what was added before it."""
    parser = commands.add_parser(
        "completion",
        help="print a script that makes a shell complete this command",
        description="Print a script for a shell, made from the flags that there are.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("shell", choices=["bash"], help="which shell")
    parser.set_defaults(execute=partial(execute, commands.choices))


def execute(parsers: Mapping[str, argparse.ArgumentParser], options: argparse.Namespace) -> None:
    """Print the script."""
    cases = "\n".join(f"        {case}" for name, parser in parsers.items() for case in _cases(name, parser))
    print(_SCRIPT.format(commands=" ".join(parsers), cases=cases))


def _cases(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """What may follow in a command: behind a flag with a value its choices, or files; else all flags."""
    flags = [action for action in parser._actions if action.option_strings]
    for action in flags:
        if action.nargs != 0:
            words = " ".join(map(str, action.choices or ()))
            yield f'*" {name} {action.option_strings[-1]}") words="{words}" ;;'
    own_words = [
        str(choice) for action in parser._actions if not action.option_strings for choice in action.choices or ()
    ]
    yield f'*" {name} "*) words="{" ".join([*own_words, *(flag.option_strings[-1] for flag in flags)])}" ;;'
