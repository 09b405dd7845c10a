"""A search that goes on needs no keys: they are in its folder, and what is given now counts."""

import pytest

from blis.errors import InputError
from blis.yaml_strict import flat_keys
from search.__main__ import run
from search.application import EXIT_OK, compose_settings
from tests.search.small import small_settings, without_pictures


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The folder of a small search that was made with keys and a file of conf/."""
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        assert run(small_settings(folder, "driver=random", "driver.budget=20")) == EXIT_OK
    return folder


@pytest.mark.parametrize(
    ("overrides", "different"),
    [
        ([], {}),
        (["driver=random"], {}),  # whose file has a budget of its own
        (["driver.budget=30"], {"driver.budget": 30}),
        (["tracking=none", "parallel.n_jobs=2"], {"parallel.n_jobs": 2}),
        (["seed=3"], {"seed": 3}),
        (["driver=cmaes"], {"driver.name": "cmaes", "driver.options.initial": 48}),
    ],
)
def test_the_folder_holds_the_keys_of_a_search_that_goes_on(kept, overrides, different):
    first = flat_keys(small_settings(kept, "driver=random", "driver.budget=20").config)
    again = flat_keys(compose_settings([f"resume={kept}", *overrides]).config)
    assert {key: again[key] for key in different} == different
    assert {key for key in first if again.get(key) != first[key]} <= {*different, "driver.batch"}


def test_an_experiment_is_all_keys_again(kept):
    settings = compose_settings([f"resume={kept}", "experiment=quickstart"])
    assert (settings.validation.report_seeds, settings.driver.name) == (8, "deap_ga")


def test_without_a_folder_a_configuration_stays_as_it_is():
    assert compose_settings(["seed=7"]).config["seed"] == 7


def test_a_folder_without_a_checkpoint_has_no_keys(tmp_path):
    with pytest.raises(InputError, match="has no checkpoint"):
        compose_settings([f"resume={tmp_path}"])


def test_an_empty_folder_name_is_the_folder_one_is_in(kept, monkeypatch):
    monkeypatch.chdir(kept)
    assert compose_settings(["resume="]).resume == compose_settings(["resume=."]).resume == kept.resolve()
