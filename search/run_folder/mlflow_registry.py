"""Policies in MLflow's model registry: one model a scenario, a version each, aliases for what is what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: The version that the latest search exports, and the one of what it was held against.
CHAMPION, BASELINE = "champion", "baseline"


@dataclass(frozen=True)
class Version:
    """One policy. folder: of the run's artifacts that holds it, "" for their root; aliases: what it is from now on."""

    folder: str
    aliases: Sequence[str]
    description: str


def model_name(text: str) -> str:
    """A name as the registry takes it: without what addresses are made of."""
    return re.sub(r"[/:]", "_", text).strip(". ") or "policy"


def register(client: Any, run: Any, name: str, versions: Sequence[Version], tags: Mapping[str, str]) -> None:
    """The versions of a run in place of those that have its tags. run: as the client gives it."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    earlier = [one for one in client.search_model_versions(f"name = '{name}'") if tags.items() <= one.tags.items()]
    for version in versions:
        source = "/".join(filter(None, [run.info.artifact_uri, version.folder]))
        made = client.create_model_version(
            name, source, run.info.run_id, tags=dict(tags), description=version.description, await_creation_for=0
        )
        for alias in version.aliases:
            client.set_registered_model_alias(name, alias, made.version)
    for one in earlier:
        client.delete_model_version(name, one.version)
