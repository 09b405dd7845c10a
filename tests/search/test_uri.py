"""Addresses of stores: what cannot be meant is refused, and no secret is shown."""

import pytest

from blis.errors import InputError
from search.uri import check_uri, concealed, database_path, shown


@pytest.mark.parametrize(
    "uri", ["sqlite:///outputs/mlflow.db", "sqlite:////abs/x.db", "http://127.0.0.1:5000", "databricks", "mlruns"]
)
def test_addresses_that_may_be_meant(uri):
    check_uri(uri)
    assert shown(uri) == uri


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("", "tracking.uri is empty"),
        ("sqlite:///", "must name a file"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:////tmp", "must name a file"),
        ("http://***@host", "was written down without its secret"),
    ],
)
def test_addresses_that_cannot_be_meant(uri, message):
    with pytest.raises(InputError, match=message):
        check_uri(uri)


def test_the_file_of_a_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert database_path("sqlite:///a/b.db?timeout=5") == tmp_path / "a" / "b.db"


SECRETS = [
    ("https://me:pass%20word@host/x", "https://***@host/x", ("me:pass%20word", "pass%20word", "pass word")),
    ("https://token123@host", "https://***@host", ("token123",)),
    ("postgresql://u:p/w@x@db:5432/mlflow", "postgresql://***@db:5432/mlflow", ("p/w@x",)),
    ("https://host/?key=abc&who=me", "https://host/?***", ("key=abc", "abc")),
]


@pytest.mark.parametrize(("uri", "safe", "secrets"), SECRETS)
def test_secrets_are_not_shown(uri, safe, secrets):
    assert shown(uri) == shown(safe) == safe
    told = concealed(f"cannot reach {uri}: refused {' and '.join(secrets)}", uri)
    assert not [secret for secret in secrets if secret in told]
    assert told.startswith("cannot reach http" if uri.startswith("http") else "cannot reach postgresql")


def test_a_text_without_secrets_stays():
    for uri in ("sqlite:////home/a@b/mlflow.db", "http://host:5000"):
        assert concealed(f"no answer from {uri}", uri) == f"no answer from {uri}"
        assert shown(uri) == uri
