"""Roles as numbers: what a run is told of prompts that are computed elsewhere."""

import pytest

from blis.config import Compat, Disaggregation, KVTransfer, Pool
from blis.engine.build.state import encode
from blis.engine.records import DECODES, PREFILLS
from blis.errors import InputError
from tests.blis.engine.plain_times import deployment, requests

LINK = KVTransfer(bytes_per_token=1000, bandwidth_gb_s=0.1)


def pair(**more):
    pools = [Pool(role=role) for role in ("prefill", "decode", "both")]
    return deployment(3, pools=pools, kv_transfer=LINK, **more)


def test_behind_the_requests_stand_their_prefills():
    arrays = encode(pair(), requests([0, 5], [7, 8]), Compat()).arrays
    assert arrays.rows.input_tokens.tolist() == [8, 8, 8, 8]
    assert arrays.rows.output_tokens.tolist() == [7, 8, 0, 0]
    assert arrays.rows.path_begin[2:].tolist() == arrays.rows.path_begin[:2].tolist()
    assert arrays.engines.roles.tolist() == [PREFILLS, DECODES, PREFILLS | DECODES]
    assert (arrays.config.block_bytes, arrays.config.bytes_us) == (4000, 100)


def test_where_all_do_both_there_is_nothing():
    arrays = encode(deployment(3), requests([0, 5]), Compat()).arrays
    assert (len(arrays.requests), arrays.transfers.shape, arrays.handovers.shape) == (2, (1, 0), (3, 0))
    assert len(arrays.profiles) == 1


def test_both_ways_to_choose_have_a_row():
    arrays = encode(pair(disaggregation=Disaggregation()), requests([0]), Compat()).arrays
    assert len(arrays.profiles) == len(arrays.codes) == len(arrays.weights) == len(arrays.filters) == 2


def test_the_original_knows_no_roles():
    with pytest.raises(InputError, match="in the original every instance does both"):
        encode(pair(), requests([0]), Compat.original())
