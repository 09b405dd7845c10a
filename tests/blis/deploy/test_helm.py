"""A configuration inside values of a chart."""

import pytest

from blis.deploy.dialects import DIALECTS
from blis.deploy.document import parse_document
from blis.deploy.helm import helm_values, inner_config
from blis.errors import InputError
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


@pytest.mark.parametrize("router", ["text", "[epp]", "{epp: text}", "{epp: [1]}", "{epp: {pluginsCustomConfig: {}}}"])
def test_values_that_name_no_configuration_are_none(router):
    one = parse_document(f"router: {router}\n", "values.yaml")
    assert inner_config(one) is one


@pytest.mark.parametrize(
    "more", ["", "pluginsCustomConfig: text", "pluginsCustomConfig: {other: x}", "pluginsCustomConfig: {mine: [1]}"]
)
@pytest.mark.parametrize("name", ["mine", "[mine]", "{}"])
def test_a_configuration_that_is_named_must_be_there(name, more):
    values = f"router:\n  epp:\n    pluginsConfigFile: {name}\n    {more}\n"
    with pytest.raises(InputError, match=r"router\.epp\.pluginsCustomConfig: must have the text of "):
        inner_config(parse_document(values, "values.yaml"))
