"""Files of somebody else's: what is in them, and in which line."""

import pytest

from blis.deploy.document import load_document, parse_document
from blis.errors import InputError

TEXT = "a: 1\nb:\n  - {c: 2}\n  - d:\n      e: 3\n"


def test_every_key_and_item_has_its_line():
    lines = parse_document(TEXT, "x.yaml").lines
    assert lines == {"a": 1, "b": 2, "b[0]": 3, "b[0].c": 3, "b[1]": 4, "b[1].d": 4, "b[1].d.e": 5}


def test_an_error_names_file_line_and_key():
    error = parse_document(TEXT, "x.yaml").wrong("b[1].d.e", "too large")
    assert str(error) == "x.yaml: line 5: b[1].d.e: too large"


def test_what_is_not_in_the_file_has_no_line():
    assert str(parse_document(TEXT, "x.yaml").wrong("b[1].z", "missing")) == "x.yaml: b[1].z: missing"


def test_a_file_is_a_mapping(tmp_path):
    path = tmp_path / "list.yaml"
    path.write_text("- 1\n")
    with pytest.raises(InputError, match=r"list\.yaml must be a mapping"):
        load_document(path)
