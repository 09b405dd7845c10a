"""Every target is a text with its remarks on top."""

import pytest

from blis.deploy.dialects import DIALECTS, ROUTER
from blis.deploy.document import parse_document
from blis.deploy.helm import inner_config
from blis.deploy.notes import Notes
from blis.deploy.targets import TARGETS, commented, export_text
from blis.policies.bundle import load_bundle

BUNDLE = load_bundle(
    {
        "admission": {"policy": "always-admit"},
        "routing": {"policy": "random"},
        "engine": {"max_running": 64},
    }
)


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_bundle_gives_the_same_bytes(target):
    texts = {export_text(BUNDLE, target, DIALECTS[ROUTER], Notes()) for _ in range(2)}
    assert len(texts) == 1
    assert texts.pop().endswith("\n")


def test_helm_values_hold_the_llm_d_file():
    inner = inner_config(parse_document(export_text(BUNDLE, "helm", DIALECTS[ROUTER], Notes()), "values.yaml"))
    assert inner.value == parse_document(export_text(BUNDLE, "llm-d", DIALECTS[ROUTER], Notes()), "epp.yaml").value


def test_remarks_are_comments_of_at_most_a_line():
    notes = Notes(["short", "long " * 40])
    lines = commented(notes).splitlines()
    assert lines[1] == "# - short"
    assert all(line.startswith("#") and len(line) <= 120 for line in lines)
    assert commented(Notes()) == ""
