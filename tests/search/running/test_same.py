"""Whether a search may go on from a checkpoint: under the same keys, by the same code, from the same files."""

import re
from dataclasses import replace

import pytest

from blis.errors import InputError
from search.__main__ import run
from search.application import EXIT_OK
from search.running.checkpoint import begin
from search.running.same import check_same
from search.saved import read_saved
from search.version import code_parts, libraries
from tests.search.small import small_settings, without_pictures


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished search of 2 generations."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        assert run(small_settings(folder, "driver.budget=20")) == EXIT_OK
    return folder


def resumed(folder, *overrides):
    return small_settings(folder, "driver.budget=20", f"resume={folder}", *overrides)


def check(folder, *overrides):
    check_same(resumed(folder, *overrides), read_saved(folder))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["seed=3"], "was started with seed=1 (not 3); give the same keys again, or none"),
        (
            ["validation.finalists=2"],
            "was started with validation.finalists=3 (not 2); give the same keys again, or none",
        ),
        (["driver.batch=5", "workload.first=100"], "workload.first=200 (not 100), driver.batch=10 (not 5)"),
        (["workload=chat_bursty"], "workload.name=chat_prefix (not chat_bursty)"),
        (["driver=random"], "driver.name=deap_ga (not random), driver.options.population=40 (not null)"),
    ],
)
def test_another_configuration_is_refused_with_the_keys_that_differ(finished, overrides, message):
    with pytest.raises(InputError) as error:
        check(finished, *overrides)
    assert message in str(error.value)
    assert str(finished) in str(error.value)


def test_many_differences_are_counted(finished):
    with pytest.raises(InputError, match=r"and [0-9]+ more; give the same keys again, or none"):
        check(finished, "search_space=engine_knobs")


@pytest.mark.parametrize("override", ["parallel.n_jobs=2", "tracking=mlflow", "parallel=processes", "driver.budget=21"])
def test_what_changes_no_result_may_differ(finished, override):
    check(finished, override)


def test_another_baseline_library_or_code_is_refused(finished, monkeypatch):
    settings = resumed(finished)
    changed = {**settings.baselines, "round-robin": settings.baselines["least-loaded"]}
    with pytest.raises(InputError, match=r"other input files \(a baseline or the trace has changed\)"):
        begin(replace(settings, baselines=changed))
    older = {**libraries(), "numpy": "1.0"}
    monkeypatch.setattr("search.running.same.libraries", lambda: older)
    now = re.escape(libraries()["numpy"])
    with pytest.raises(InputError, match=f"other libraries: numpy {now} then, 1.0 now$"):
        begin(settings)
    changed = {**code_parts(), "blis/fitness": "x", "scorer mine": "y"}
    monkeypatch.setattr("search.running.same.code_parts", lambda: changed)
    with pytest.raises(InputError, match="of the code in blis/fitness, scorer mine; start a new search"):
        begin(settings)
