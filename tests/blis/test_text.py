"""Tables of texts."""

from blis.text import aligned, padded


def test_columns_stand_below_each_other_and_no_line_ends_with_blanks():
    assert aligned([("name", "", "x"), ("a", "12", ""), ("longer", "3", "yz")]) == (
        "name        x\na       12\nlonger  3   yz"
    )


def test_columns_may_be_flush_right():
    assert aligned([("a", "1.5"), ("b", "10.25")], right={1}) == "a    1.5\nb  10.25"


def test_cells_are_as_wide_as_their_column():
    assert padded([("a", "bc"), ("def", "")]) == [["a  ", "bc"], ["def", "  "]]


def test_nothing_is_nothing():
    assert aligned([]) == ""
