import numpy as np
import pytest

from blis.tables.network import Network
from blis.tables.origin import Origin


@pytest.mark.parametrize("rows", [slice(1, 3), np.array([1, 2])])
def test_some_rows_keep_what_is_known_of_them(rows):
    origin = Origin(
        np.array([0, 1, 0], np.int32),
        ("a", "b"),
        (True, False),
        (Network(), Network(5)),
        np.arange(9).reshape(3, 3),
        None,
    )
    part = origin.take(rows)
    assert part.client.tolist() == [1, 0]
    assert part.modality_tokens.tolist() == [[3, 4, 5], [6, 7, 8]]
    assert part.reason_ratio is None
    assert (part.client_names, part.networks) == (origin.client_names, origin.networks)
