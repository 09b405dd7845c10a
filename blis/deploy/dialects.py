"""The two dialects of an EndpointPickerConfig, and how a file says which it is in."""

from __future__ import annotations

from typing import NamedTuple

from blis.deploy.document import Document
from blis.errors import unknown_name


class Dialect(NamedTuple):
    """apis: values of apiVersion, the one that is written first. product: whose release, for what is said to people.

    old: weights are whole numbers, the prefix plugin has parameters of its own instead of a producer, the thresholds
    of the detector stand at the top. ttl_us: how long a request may wait at the gateway if the file does not say.
    values: the keys of the helm chart above `pluginsConfigFile`.
    """

    apis: tuple[str, ...]
    product: str
    old: bool
    ttl_us: int
    values: tuple[str, ...]


ROUTER, GIE = "router-v1alpha1", "gie-1.3"

DIALECTS = {
    ROUTER: Dialect(
        ("llm-d.ai/v1alpha1", "llm-d.ai/v1"),
        "llm-d-router 0.11",
        old=False,
        ttl_us=60_000_000,
        values=("router", "epp"),
    ),
    GIE: Dialect(
        ("inference.networking.x-k8s.io/v1alpha1",),
        "Gateway API Inference Extension 1.3",
        old=True,
        ttl_us=0,
        values=("inferenceExtension",),
    ),
}


def dialect_of(document: Document) -> Dialect:
    """The dialect of a file. Raises InputError for an apiVersion that nobody reads."""
    api = document.value.get("apiVersion")
    for dialect in DIALECTS.values():
        if api in dialect.apis:
            return dialect
    known = [api for dialect in DIALECTS.values() for api in dialect.apis]
    raise document.wrong("apiVersion", str(unknown_name("apiVersion", api, known)))
