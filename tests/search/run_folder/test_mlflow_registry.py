"""The registry: a version a policy, aliases that move, and no second version of one search."""

from types import SimpleNamespace

import pytest
from mlflow.exceptions import RESOURCE_ALREADY_EXISTS, MlflowException
from mlflow.utils import validation

from search.run_folder.mlflow_registry import Version, model_name, register

RUN = SimpleNamespace(info=SimpleNamespace(run_id="r1", artifact_uri="file:///store/r1"))


class Registry:
    """Keeps models as MLflow's does."""

    def __init__(self):
        self.models, self.aliases, self.count = {}, {}, 0

    def create_registered_model(self, name):
        validation._validate_model_name(name)
        if name in self.models:
            raise MlflowException("there", RESOURCE_ALREADY_EXISTS)
        self.models[name] = {}

    def search_model_versions(self, query):
        (name,) = [name for name in self.models if query == f"name = {name!r}"]
        return list(self.models[name].values())

    def create_model_version(self, name, source, run_id, tags, description, await_creation_for):
        self.count += 1
        made = SimpleNamespace(
            version=str(self.count), source=source, run_id=run_id, tags=tags, description=description
        )
        self.models[name][made.version] = made
        return made

    def set_registered_model_alias(self, name, alias, version):
        self.aliases[alias] = version

    def delete_model_version(self, name, version):
        del self.models[name][version]
        self.aliases = {alias: one for alias, one in self.aliases.items() if one != version}


VERSIONS = [Version("primary", ["baseline"], "as it was"), Version("", ["champion"], "better")]


def test_two_policies_are_two_versions_with_their_aliases():
    registry = Registry()
    register(registry, RUN, "mine", VERSIONS, {"run_id": "a"})
    found = registry.models["mine"]
    assert {alias: found[version].source for alias, version in registry.aliases.items()} == {
        "baseline": "file:///store/r1/primary",
        "champion": "file:///store/r1",
    }
    assert {one.description for one in found.values()} == {"as it was", "better"}


def test_another_search_moves_the_aliases_and_keeps_the_versions():
    registry = Registry()
    for name in ("a", "b"):
        register(registry, RUN, "mine", VERSIONS, {"run_id": name})
    found = registry.models["mine"]
    assert len(found) == 4
    assert {found[version].tags["run_id"] for version in registry.aliases.values()} == {"b"}


def test_the_same_search_replaces_its_own():
    registry = Registry()
    for name in ("a", "b", "a"):
        register(registry, RUN, "mine", VERSIONS[1:], {"run_id": name})
    assert sorted(one.tags["run_id"] for one in registry.models["mine"].values()) == ["a", "b"]
    assert registry.models["mine"][registry.aliases["champion"]].tags["run_id"] == "a"


@pytest.mark.parametrize("name", ["a/b:c", "..", "", ".", "search-12ab", "é 1", "a//b", "/"])
def test_a_name_that_the_registry_refuses_is_made_fit(name):
    validation._validate_model_name(model_name(name))
    assert model_name("search-12ab") == "search-12ab"
