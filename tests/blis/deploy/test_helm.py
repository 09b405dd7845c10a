"""A configuration inside values of a chart."""

import pytest

from blis.deploy.dialects import DIALECTS
from blis.deploy.document import parse_document
from blis.deploy.helm import helm_values, inner_config
from blis.yaml_strict import parse_yaml, yaml_text
from tests.blis.deploy.samples import document, small


@pytest.mark.parametrize("dialect", DIALECTS)
def test_in_and_out_again(dialect):
    text = yaml_text(small())
    values = helm_values(text, DIALECTS[dialect])
    found = parse_yaml(values, "values.yaml")
    for key in DIALECTS[dialect].values:
        found = found[key]
    assert found["pluginsCustomConfig"][found["pluginsConfigFile"]] == text
    assert inner_config(parse_document(values, "values.yaml")).value == small()


def test_a_configuration_is_itself():
    one = document(small())
    assert inner_config(one) is one


def test_errors_name_both_files():
    values = helm_values("kind: x\n", next(iter(DIALECTS.values())))
    error = inner_config(parse_document(values, "values.yaml")).wrong("kind", "wrong")
    assert str(error) == "values.yaml: blis-plugins.yaml: line 1: kind: wrong"
