"""How many tokens were guessed, and how many of them were given out."""

from blis.config import Batch, Drafter, Pool
from blis.engine.run import simulate
from blis.evaluation.drafts import draft_metrics
from blis.evaluation.metrics import compute_metrics
from tests.blis.engine.plain_times import deployment, requests


def test_pools_that_guess_differently_are_added_up():
    """Three tokens a step on one instance (1 + 3 + 1 of five), one on the other (four steps with a draft each)."""
    pools = [Pool(batch=Batch(speculative_tokens=2)), Pool(batch=Batch())]
    scenario = deployment(2, pools=pools, engine={"drafter": Drafter(1.0)})
    table = requests([0, 1], 5)
    result = simulate(scenario, table)
    assert sorted(result.instance.tolist()) == [0, 1]
    found = draft_metrics(scenario, result)
    assert (found.drafts, found.draft_tokens, found.accepted_tokens) == (2, 4, 2)
    numbers = compute_metrics(scenario, table, result).to_dict()
    assert (numbers["draft_acceptance_rate"], numbers["mean_acceptance_length"]) == (0.5, 2.0)


def test_without_drafts_there_is_nothing_to_say():
    scenario, table = deployment(2), requests([0])
    metrics = compute_metrics(scenario, table, simulate(scenario, table))
    assert metrics.drafts is None and "draft_tokens" not in metrics.to_dict()
