"""The shipped coefficients load whole, and a look-up says what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from blis.errors import InputError
from blis.latency.table import coefficient_table, load_table
from blis.yaml_strict import dump_yaml, plain


def test_every_set_is_there_once_and_can_be_found():
    table = coefficient_table()
    assert len(table.coefficients) == 85 and len(table.defaults) == 28
    for entry in table.coefficients:
        assert table.find(entry.model, entry.gpu, entry.tp) is entry
    for default in table.defaults:
        assert table.find(default.model).vllm == default.vllm


def test_full_digits_survive():
    entry = coefficient_table().find("meta-llama/llama-3.1-8b-instruct", "H100", 2)
    assert entry.alpha == (1601.350510688092, 3.512476196805965, 1805.5430360826988)
    assert entry.beta == (6910.420479880494, 17.67057489844186, 2.8377471109943855)
    assert entry.kv_blocks == 132_139


def test_case_and_gpu_aliases_do_not_matter():
    table = coefficient_table()
    assert table.find("IBM-Granite/granite-3.1-8b-instruct", "a100-sxm", 1) is table.find(
        "ibm-granite/granite-3.1-8b-instruct", "A100-80", 1
    )


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("meta-llama/llama-3.1-8b-instrukt",), ["unknown model", "did you mean 'meta-llama/llama-3.1-8b-instruct'?"]),
        (("meta-llama/llama-3.1-8b-instruct", "H100", 3), ["tp 3", "there are:", "gpu H100, tp 2"]),
        (("mistralai/mixtral-8x7b-instruct-v0.1",), ["gpu not given, tp not given", "there are:"]),
    ],
)
def test_a_failed_look_up_says_what_there_is(arguments, parts):
    with pytest.raises(InputError) as caught:
        coefficient_table().find(*arguments)
    for part in parts:
        assert part in str(caught.value)


def test_duplicates_are_refused(tmp_path: Path):
    path = tmp_path / "table.yaml"
    mapping = plain(coefficient_table())
    dump_yaml({**mapping, "coefficients": [*mapping["coefficients"], mapping["coefficients"][0]]}, path)
    with pytest.raises(InputError, match=r"table.yaml: coefficients: .* is given twice"):
        load_table(path)
    dump_yaml({**mapping, "defaults": [*mapping["defaults"], mapping["defaults"][0]]}, path)
    with pytest.raises(InputError, match=r"defaults: .* is given twice"):
        load_table(path)
    dump_yaml({**mapping, "coefficients": mapping["coefficients"][:10]}, path)
    with pytest.raises(InputError, match="has no coefficients"):
        load_table(path)
