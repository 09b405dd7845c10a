"""Pictures in the page: its own colours and font, no ids that two share, no address, equal bytes."""

import re
import xml.etree.ElementTree as ElementTree

from blis.comparison.style import INK
from search.report.svg import POLICY, Picture, axes_of, picture, plain_ticks


def drawn(name="one", caption="a < b"):
    axes = axes_of()
    axes.plot([1, 10, 100], [1, 3, 2], color=POLICY)
    axes.plot([1, 10], [2, 2], "o", color="#123456")
    axes.set_xscale("log")
    plain_ticks(axes, "x")
    axes.set_xlabel("seconds & more")
    return picture(axes, name, caption, "detail")


def test_it_is_one_element_with_its_caption():
    found = drawn()
    assert isinstance(found, Picture) and (found.caption, found.detail) == ("a < b", "detail")
    root = ElementTree.fromstring(found.svg)
    assert root.get("aria-label") == "a < b detail"
    assert root.get("viewBox") and root.get("width") is None


def test_colours_of_the_page_follow_it_and_others_stay():
    svg = drawn().svg
    assert "var(--policy)" in svg and "var(--ink)" in svg and "#123456" in svg
    assert POLICY not in svg and INK not in svg


def test_text_stays_text_in_the_font_of_the_page():
    svg = drawn().svg
    assert "seconds &amp; more" in svg and ">10<" in svg
    assert "system-ui" in svg and "DejaVu" not in svg


def test_it_names_no_address_and_no_clock():
    assert not re.search(r"http|xlink|date|matplotlib v", drawn().svg, re.IGNORECASE)


def test_equal_pictures_have_equal_bytes_and_different_ones_share_no_id():
    assert drawn() == drawn()
    ids = [set(re.findall(r' id="([^"]*)"', drawn(name).svg)) for name in ("one", "other")]
    assert ids[0] and not ids[0] & ids[1]
