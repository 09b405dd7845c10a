"""Requests for adapters that nobody serves are refused by name, and so are runs that know of none."""

import numpy as np
import pytest

from blis.config import Compat, Lora, Pool
from blis.engine.build.lora import check_lora, encode_lora
from blis.engine.run import simulate
from blis.errors import InputError
from blis.workload.content.adapters import with_adapters
from tests.blis.engine.plain_times import deployment, requests

TABLE = with_adapters(requests([0, 1]), np.array([-1, 1], np.int32), ("sql", "law"))
SERVES = deployment(engine={"lora": Lora(1)})


@pytest.mark.parametrize(
    ("scenario", "compat", "words"),
    [
        (deployment(), Compat(), r"instance\.lora\.max_loras must be at least 1: requests ask for .* such as 'law'"),
        (deployment(2, pools=(Pool(lora=Lora(1)), Pool())), Compat(), "and instance 1 serves none"),
        (SERVES, Compat.original(), "compat: requests ask for LoRA adapters"),
    ],
)  # fmt: skip
def test_it_is_said_what_lacks(scenario, compat, words):
    with pytest.raises(InputError, match=words):
        simulate(scenario, TABLE, compat)


def test_the_base_model_needs_no_places():
    check_lora(deployment(), requests([0]), Compat.original())


def test_without_adapters_there_are_no_rows():
    config, arrays = encode_lora(SERVES, requests([0, 1]))
    assert config == {"adapters": 0}
    assert [array.size for array in arrays.values()] == [0, 0, 0]
    assert simulate(SERVES, requests([0, 1])).adapter_us is None


def test_each_instance_has_a_row_an_adapter():
    config, arrays = encode_lora(deployment(3, engine={"lora": Lora(1)}), TABLE)
    assert (config, arrays["adapters"].shape) == ({"adapters": 2}, (3, 2))
    assert arrays["adapter"].tolist() == [-1, 1]
