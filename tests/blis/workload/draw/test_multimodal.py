import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.draw.generate import generate, mean_input_tokens
from blis.workload.draw.lengths import CountDistribution, Distribution
from blis.workload.draw.multimodal import Multimodal
from blis.workload.draw.prompts import Streams
from blis.workload.draw.spec import load_spec
from blis.workload.draw.streams import Fresh

FIVE = Distribution("constant", {"value": 5})
SEVEN = Distribution("constant", {"value": 7})
IMAGES = Multimodal(FIVE, SEVEN, CountDistribution("empirical", {"0": 1, "1": 1, "3": 2}))


def test_items_are_counted_and_summed():
    total, parts = IMAGES.sample(Streams(Fresh(1), "a"), 4000)
    assert set(parts[:, 0].tolist()) == {0, 7, 21}
    assert np.all(total == 5 + parts[:, 0]) and np.all(parts[:, 1:] == 0)
    assert (parts[:, 0] == 21).mean() == pytest.approx(0.5, abs=0.03)
    assert total.mean() == pytest.approx(IMAGES.mean_tokens, rel=0.03)
    longer, _ = IMAGES.sample(Streams(Fresh(1), "a"), 9000)
    np.testing.assert_array_equal(longer[:4000], total)


def test_no_images_are_none():
    """A count of 0 is possible, whatever distribution it comes from."""
    total, parts = Multimodal(FIVE, SEVEN, CountDistribution("constant", {"value": 0})).sample(
        Streams(Fresh(1), "a"), 3
    )
    assert total.tolist() == [5, 5, 5] and not parts.any()


def test_a_prompt_of_nothing_is_a_token_of_text():
    none, image = CountDistribution("constant", {"value": 0}), Distribution("constant", {"value": 9})
    prompts = Multimodal(image_distribution=image, image_count_distribution=none)
    total, parts = prompts.sample(Streams(Fresh(1), "a"), 2)
    assert total.tolist() == [1, 1] and not parts.any()


def test_the_parts_of_all_prompts_sum_to_their_length():
    """BC-8: text + image + audio + video = input length, with prefixes, without and beside language."""
    exponential = {"type": "exponential", "params": {"mean": 30}}
    few = {"type": "empirical", "params": {0: 1, 2: 1}}
    common = {"arrival": {"process": "poisson"}, "input_distribution": exponential, "output_distribution": exponential}
    sees = {"image_distribution": exponential, "image_count_distribution": few}
    hears = {"text_distribution": exponential, "audio_distribution": exponential, "audio_count_distribution": few}
    spec = load_spec(
        {
            "category": "multimodal",
            "aggregate_rate": 10,
            "num_requests": 900,
            "clients": [
                {
                    "id": "sees",
                    "rate_fraction": 1,
                    "prefix_group": "g",
                    "prefix_length": 16,
                    "multimodal": sees,
                    **common,
                },
                {"id": "hears", "rate_fraction": 1, "multimodal": hears, **common},
                {"id": "reads", "rate_fraction": 1, **common},
            ],
        }
    )
    table = generate(spec, 3)
    text = table.input_tokens - table.origin.modality_tokens.sum(axis=1)
    client = np.array(table.origin.client_names)[table.origin.client]
    assert np.all(text[client == "sees"] >= 16) and (text[client == "sees"] == 16).mean() < 1
    assert np.all(text[client != "sees"] >= 1)
    assert not table.origin.modality_tokens[client == "reads"].any()
    assert table.origin.modality_tokens[client == "hears", 1].any()
    assert np.mean([generate(spec, seed, n=9000).input_tokens.mean() for seed in range(3)]) == pytest.approx(
        mean_input_tokens(spec), rel=0.03
    )


def test_more_items_than_memory_holds_are_refused():
    many = Multimodal(None, SEVEN, CountDistribution("constant", {"value": 10**9}))
    with pytest.raises(InputError, match="items in the prompts of one table"):
        many.sample(Streams(Fresh(1), "a"), 10)
