"""What a bundle can be written as, by name: one text a target, with its remarks as comments on top."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping

from blis.deploy.dialects import Dialect
from blis.deploy.export_epp import export_epp
from blis.deploy.helm import helm_values
from blis.deploy.notes import Notes
from blis.deploy.routers import ROUTERS, router_arguments
from blis.deploy.vllm import export_vllm
from blis.policies.bundle import PolicyBundle
from blis.yaml_strict import yaml_text

_WIDTH = 120

Write = Callable[[PolicyBundle, Dialect, Notes], str]


def _llm_d(bundle: PolicyBundle, dialect: Dialect, notes: Notes) -> str:
    return yaml_text(export_epp(bundle, dialect, notes))


def _helm(bundle: PolicyBundle, dialect: Dialect, notes: Notes) -> str:
    return helm_values(_llm_d(bundle, dialect, notes), dialect)


def _vllm(bundle: PolicyBundle, dialect: Dialect, notes: Notes) -> str:
    return yaml_text(export_vllm(bundle, notes))


def _router(name: str) -> Write:
    return lambda bundle, dialect, notes: "\n".join(router_arguments(bundle, ROUTERS[name], notes)) + "\n"


TARGETS: Mapping[str, Write] = {
    "llm-d": _llm_d,
    "vllm": _vllm,
    "helm": _helm,
    **{name: _router(name) for name in ROUTERS},
}


def export_text(bundle: PolicyBundle, target: str, dialect: Dialect, notes: Notes) -> str:
    """The file of a target. Raises InputError for what the target does not have, with the nearest that it has."""
    text = TARGETS[target](bundle, dialect, notes)
    return commented(notes) + text


def commented(notes: Notes) -> str:
    """Remarks as the comments that a file begins with; nothing if there are none."""
    if not notes:
        return ""
    wrapper = textwrap.TextWrapper(_WIDTH, initial_indent="# - ", subsequent_indent="#   ")
    lines = [line for note in notes for line in wrapper.wrap(note)]
    return "\n".join(["# Where this is not the same as what it was made from:", *lines]) + "\n"
