"""Public examples of the original load as they are; the multi-turn one is in test_turns.py, inference-perf apart."""

import numpy as np
import pytest

from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec

LANGUAGE = """
version: "2"
seed: 42
category: language
aggregate_rate: 100.0
num_requests: 500

clients:
  - id: "bulk"
    tenant_id: "tenant-A"
    slo_class: "batch"
    rate_fraction: 0.7
    streaming: false
    arrival:
      process: gamma
      cv: 3.5
    input_distribution:
      type: pareto_lognormal
      params: {alpha: 1.5, xm: 50, mu: 5.5, sigma: 1.2, mix_weight: 0.3}
    output_distribution:
      type: exponential
      params:
        mean: 256
    prefix_group: "shared-system-prompt"
    network:
      rtt_ms: 2.0
      bandwidth_mbps: 1000
  - id: "chat"
    tenant_id: "tenant-B"
    slo_class: "critical"
    rate_fraction: 0.3
    streaming: true
    arrival: {process: poisson}
    input_distribution:
      type: gaussian
      params: {mean: 128, std_dev: 50, min: 10, max: 2048}
    output_distribution:
      type: exponential
      params: {mean: 64}
    network: {rtt_ms: 50.0, bandwidth_mbps: 100}
"""

PREFIX = """
version: "2"
seed: 42
category: language
aggregate_rate: 500.0
num_requests: 200
clients:
  - id: "with-system-prompt"
    tenant_id: "tenant-A"
    slo_class: "standard"
    rate_fraction: 0.8
    streaming: true
    prefix_group: "long-system-prompt"
    prefix_length: 256
    arrival: {process: poisson}
    input_distribution: {type: gaussian, params: {mean: 64, std_dev: 20, min: 16, max: 256}}
    output_distribution: {type: exponential, params: {mean: 128}}
  - id: "unique"
    tenant_id: "tenant-B"
    slo_class: "batch"
    rate_fraction: 0.2
    streaming: false
    arrival: {process: poisson}
    input_distribution: {type: exponential, params: {mean: 512}}
    output_distribution: {type: exponential, params: {mean: 256}}
"""


@pytest.mark.parametrize(("text", "n"), [(LANGUAGE, 500), (PREFIX, 200)], ids=["language", "prefix"])
def test_an_example_gives_its_requests(tmp_path, text, n):
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    table = generate(load_spec(path), 42)
    assert len(table) == n
    assert table.tree.n_shared == 1
    assert table.origin.streaming in ((False, True), (True, False))


def test_the_prefix_of_an_example_is_as_long_as_it_says(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(PREFIX)
    table = generate(load_spec(path), 42)
    long = table.origin.client == 0
    assert long.mean() == pytest.approx(0.8, abs=0.1)
    assert np.all(table.input_tokens[long] >= 256 + 16)
    assert table.tree.end_token[table.tree.shared >= 0].tolist() == [256]
