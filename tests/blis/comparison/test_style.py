import pytest
from matplotlib.figure import Figure

from blis.comparison.style import COLOURS, different_colours, dress, png


def drawn(*points: float) -> bytes:
    figure = Figure(figsize=(1, 1), dpi=40)
    axes = figure.subplots()
    axes.plot(points, color=COLOURS[1])
    dress(axes)
    assert not any(side.get_visible() for side in axes.spines.values())
    return png(figure)


def test_equal_figures_have_equal_bytes_and_no_clock():
    data = drawn(1, 2)
    assert data.startswith(b"\x89PNG")
    assert data == drawn(1, 2) != drawn(1, 2, 1)
    assert not any(word in data for word in (b"Software", b"Date", b"Creation"))


@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_stands_out_from_white(colour: str):
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    assert 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.75


@pytest.mark.parametrize("count", [0, 1, len(COLOURS), len(COLOURS) + 1, 40])
def test_as_many_colours_as_one_likes_and_no_two_alike(count):
    found = different_colours(count)
    assert len(set(found)) == len(found) == count
    assert found == different_colours(60)[:count]
    assert all(len(colour) == 7 and int(colour[1:], 16) >= 0 for colour in found)
