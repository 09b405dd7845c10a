"""Values held against types that are data."""

import pytest

from blis.deploy.document import Document
from blis.deploy.schema import Reference, check, duration_us, quantity, schema
from blis.errors import InputError

NOWHERE = Document("x.yaml", {}, {})


def flaw(value, kind):
    """What is wrong with a value, "" if nothing is."""
    try:
        list(check(NOWHERE, "key", value, kind))
    except InputError as error:
        return str(error).removeprefix("x.yaml: key: ")
    return ""


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("text", "a", 1),
        ("whole", 3, 3.0),
        ("whole", 0, True),
        ("whole", 2**63 - 1, 2**63),
        ("number", -(2**63), 10**400),
        ("number", 1e300, float("nan")),
        ("number", 0, float("inf")),
        ("mapping", {}, [1]),
        ("mapping", None, "a"),
        ("number", 0.5, "0.5"),
        ("number", 2, False),
        ("flag", True, "true"),
        ("duration", "1m30s", "90"),
        ("duration", "200ms", 200),
        ("quantity", "10Gi", "10GiB"),
        ("quantity", 500, -1),
        ("requests|tokens", "tokens", "words"),
        ("any", {"whatever": [1]}, None),
    ],
)
def test_scalars(kind, good, bad):
    assert flaw(good, kind) == ""
    assert bad is None or flaw(bad, kind) != ""


def test_an_unknown_key_is_answered_by_the_nearest():
    with pytest.raises(InputError, match=r"key\.weigth: unknown key 'weigth' \(did you mean 'weight'\?\)"):
        list(check(NOWHERE, "key", {"weigth": 1}, {"weight": "number"}))


def test_a_key_that_must_be_there():
    assert flaw({}, {"name!": "text"}) == "missing key name"
    assert flaw({"name": "a"}, {"name!": "text"}) == ""


def test_lists_name_the_item():
    with pytest.raises(InputError, match=r"key\[1\]\.a: must be a whole number, got 'x'"):
        list(check(NOWHERE, "key", [{"a": 1}, {"a": "x"}], [{"a": "whole"}]))


def test_names_of_plugins_come_out_with_the_kinds_that_fit():
    found = list(check(NOWHERE, "key", [{"pluginRef": "q"}], [{"pluginRef!": "ref scorer filter"}]))
    assert found == [Reference("key[0].pluginRef", "q", ("scorer", "filter"))]


@pytest.mark.parametrize(("text", "expected"), [("60s", 60_000_000), ("1m0.5s", 60_500_000), ("0", 0), ("7us", 7)])
def test_durations(text, expected):
    assert duration_us(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("1k", 1000), ("2Ki", 2048), ("500", 500), (7, 7), ("1500m", 2), ("1.5M", 1_500_000)]
)
def test_quantities(text, expected):
    assert quantity(text) == expected


def test_every_plugin_is_complete():
    plugins = schema("plugins")
    for name, entry in plugins.items():
        assert set(entry) <= {"kind", "nearest", "injected", "parameters", "old"}, name
        if "nearest" in entry:
            assert "nearest" not in plugins[entry["nearest"]], f"{name}: the nearest cannot be simulated either"
