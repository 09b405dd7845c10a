"""Which dialect a file is in."""

import pytest

from blis.deploy.dialects import DIALECTS, GIE, ROUTER, dialect_of
from blis.errors import InputError
from tests.blis.deploy.samples import document, small


@pytest.mark.parametrize(
    ("api", "dialect"),
    [("llm-d.ai/v1alpha1", ROUTER), ("llm-d.ai/v1", ROUTER), ("inference.networking.x-k8s.io/v1alpha1", GIE)],
)
def test_the_api_version_says_it(api, dialect):
    assert dialect_of(document(small() | {"apiVersion": api})) == DIALECTS[dialect]


@pytest.mark.parametrize("api", ["llm-d.ai/v2", None])
def test_others_are_refused(api):
    with pytest.raises(InputError, match=r"line 1: apiVersion: unknown apiVersion"):
        dialect_of(document({"apiVersion": api}))
