import pytest

from blis.policies.bundle import load_bundle
from search.run_folder.deployable import deployable
from tests.places import CONF


@pytest.mark.parametrize(
    ("policy", "line"),
    [
        ("llm-d-default", "blis export has it for: llm-d"),
        (
            "lmetric",
            "blis export has it for: no router; routing.policy 'lmetric' has no counterpart in llm-d-router 0.11; the"
            " nearest is weighted with the scorers prefix-affinity and active-requests",
        ),
        ("round-robin", "blis export has it for: vllm-router, sglang-router; routing.policy 'round-robin' has no"),
    ],
)
def test_routers_that_have_a_policy_and_why_llm_d_has_not(policy, line):
    assert deployable(load_bundle(CONF / f"policy/{policy}.yaml")).startswith(line)
