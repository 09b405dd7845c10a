from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blis.gateway.databases import Postgresql, lacking, postgresql


@pytest.fixture(scope="session")
def server() -> Iterator[Postgresql]:
    """A PostgreSQL server."""
    if reason := lacking():
        pytest.skip(reason)
    with postgresql() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    return request.getfixturevalue("server").new()
