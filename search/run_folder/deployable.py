"""Which routers have a policy: said at the end of a search, before anybody plans to deploy it."""

from __future__ import annotations

from blis.deploy.dialects import DIALECTS, ROUTER
from blis.deploy.notes import Notes
from blis.deploy.routers import ROUTERS
from blis.deploy.targets import export_text
from blis.errors import InputError
from blis.policies.bundle import PolicyBundle

#: Targets of `blis export` that send requests to instances; llm-d's own comes first.
_TARGETS = ("llm-d", *ROUTERS)


def deployable(bundle: PolicyBundle) -> str:
    """In one line: the targets of `blis export` that have the policy, or why llm-d has not."""
    refused: dict[str, str] = {}
    for target in _TARGETS:
        try:
            export_text(bundle, target, DIALECTS[ROUTER], Notes())
        except InputError as error:
            refused[target] = str(error)
    having = [target for target in _TARGETS if target not in refused]
    others = f"; {refused[_TARGETS[0]]}" if _TARGETS[0] in refused else ""
    return f"blis export has it for: {', '.join(having) or 'no router'}{others}"
