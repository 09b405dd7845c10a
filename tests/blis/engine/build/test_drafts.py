"""Draft tokens as arrays: chances of each instance, a number for each request."""

from dataclasses import replace

import pytest

from blis.config import Batch, Compat, Drafter, Pool
from blis.engine.build.state import encode
from blis.errors import InputError
from tests.blis.engine.plain_times import deployment, requests

GUESSING = {"drafter": Drafter(0.5, draft_us=9), "batch": Batch(speculative_tokens=2)}


def test_pools_may_guess_differently_and_share_the_drafter():
    pools = [Pool(batch=Batch(speculative_tokens=3)), Pool(batch=Batch()), Pool()]
    arrays = encode(deployment(3, pools=pools, engine=GUESSING), requests([0, 5]), Compat()).arrays
    assert arrays.engines.drafts.tolist() == [3, 0, 2]
    assert arrays.engines.drafting_us.tolist() == [27, 0, 18]
    assert arrays.accepts.tolist() == [[0.5, 0.25, 0.125], [0, 0, 0], [0.5, 0.25, 0]]
    assert arrays.accepted.tolist() == [0, 0]


def test_where_nobody_guesses_there_is_nothing():
    arrays = encode(deployment(3), requests([0, 5]), Compat()).arrays
    assert (arrays.accepts.shape, arrays.accepted.shape) == ((3, 0), (0,))


def test_the_original_gives_one_token_a_step():
    with pytest.raises(InputError, match="in the original every step gives one token"):
        encode(deployment(engine=GUESSING), requests([0]), Compat.original())
    guessing = deployment(engine=GUESSING)
    encode(replace(guessing, instance=replace(guessing.instance, batch=Batch())), requests([0]), Compat.original())
