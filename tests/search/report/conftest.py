"""A finished search, small, with its page."""

import pytest

from search.__main__ import run
from search.application import EXIT_OK
from tests.search.small import small_settings


@pytest.fixture(scope="session")
def done(tmp_path_factory):
    settings = small_settings(tmp_path_factory.mktemp("reported"), "driver.budget=24", "driver.batch=12")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.__main__.write_overview", lambda *arguments: None)  # half of the time of a small run
        assert run(settings) == EXIT_OK
    return settings
