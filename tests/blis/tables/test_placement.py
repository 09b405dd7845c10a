import pytest

from blis.tables.placement import Placement

LABELS = {"gpu": "H100", "regions": ["eu", "us"]}


@pytest.mark.parametrize(
    ("placement", "allowed"),
    [
        (Placement(), True),
        (Placement(requires={"gpu": "H100"}), True),
        (Placement(requires={"gpu": "A100"}), False),
        (Placement(requires={"gpu": "H100", "rack": "7"}), False),
        (Placement(requires={"regions": "us"}), True),
        (Placement(requires={"regions": "asia"}), False),
        (Placement(avoids={"gpu": "H100"}), False),
        (Placement(avoids={"gpu": "A100", "rack": "7"}), True),
        (Placement(avoids={"gpu": "A100", "regions": "eu"}), False),
        (Placement(requires={"gpu": "H100"}, avoids={"regions": "eu"}), False),
    ],
)
def test_where_a_request_may_run(placement: Placement, allowed: bool):
    assert placement.allows(LABELS) == allowed


def test_what_it_likes_is_a_share_of_its_labels():
    assert Placement().preference(LABELS) == 0
    assert Placement(prefers={"gpu": "H100", "rack": "7"}).preference(LABELS) == 0.5
    assert Placement(prefers={"regions": "eu"}).preference(LABELS) == 1
    assert Placement(prefers={"gpu": "A100"}).allows(LABELS)
