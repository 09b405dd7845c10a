"""conf/: every file of every group composes, and a new one joins by being there."""

from importlib.util import find_spec

import pytest
import yaml

from blis.config import Compat
from blis.errors import InputError
from blis.latency.plausible import judged
from blis.policies.bundle import load_bundle
from blis.workload.draw.spec import load_spec
from search.application import compose_settings
from search.clusters import CLUSTERS
from search.config import RaceSettings
from search.drivers import DRIVERS
from search.space.space import known_keys
from tests.places import CONF

GROUPS = ("cluster", "workload", "fitness", "search_space", "driver", "parallel", "tracking")


#: What goes with a file that says nothing of the default cluster.
BESIDE = {"search_space=speculative": ["cluster=h100x4_drafts"]}

CHOICES = [path for group in GROUPS for path in sorted(CONF.glob(f"{group}/*.yaml"))]


def needs_an_input_file(path):
    """Whether a file of conf/ says nothing without a path of the user's."""
    return yaml.safe_load(path.read_text()).get("path") == ""


@pytest.mark.parametrize("path", CHOICES, ids=lambda path: f"{path.parent.name}={path.stem}")
def test_every_file_of_a_group_composes(path):
    choice = f"{path.parent.name}={path.stem}"
    if needs_an_input_file(path):
        with pytest.raises(InputError):
            compose_settings([choice])
    elif (backend := yaml.safe_load(path.read_text()).get("backend")) and find_spec(CLUSTERS[backend].package) is None:
        with pytest.raises(InputError, match="is not installed: pip install"):
            compose_settings([choice])
    else:
        assert compose_settings([choice, *BESIDE.get(choice, [])]).space.parameters


@pytest.mark.parametrize("path", sorted(CONF.glob("cluster/*.yaml")), ids=lambda path: path.stem)
def test_no_cluster_is_faster_than_its_gpus(path):
    for replica in compose_settings([f"cluster={path.stem}"]).problem.scenario.replicas:
        steps = judged(replica.instance.latency_model, Compat())
        assert steps and all(step.possible for step in steps)


def test_every_group_is_known():
    assert {path.name for path in CONF.iterdir() if path.is_dir()} == {*GROUPS, "policy", "experiment"}


def test_every_policy_loads_and_is_complete():
    settings = compose_settings([])
    for path in CONF.glob("policy/*.yaml"):
        bundle = load_bundle(path)
        assert bundle.engine == load_bundle(CONF / "policy" / f"{settings.primary}.yaml").engine, path.name
        assert bundle.routing.policy


def test_every_driver_has_a_file():
    assert {yaml.safe_load(path.read_text())["name"] for path in CONF.glob("driver/*.yaml")} == set(DRIVERS)


def test_every_file_opens_with_a_comment_that_says_what_it_is():
    for path in CONF.rglob("*.yaml"):
        assert path.read_text().startswith("# "), path


TWINS = [path for path in CONF.glob("workload/*.yaml") if "by `blis profile`" in path.read_text().replace("\n# ", " ")]


@pytest.mark.parametrize("path", TWINS, ids=lambda path: path.stem)
def test_a_twin_tells_of_no_single_request_and_says_whose_it_is(path):
    text = path.read_text()
    assert all(word in text for word in ("# Source: ", "Cite:"))
    spec = load_spec(path)
    (client,) = spec.clients
    lengths = (client.input_distribution, client.output_distribution)
    weights = [weight for law in lengths for weight in law.params.values()]
    weights += [cell.weight for cell in spec.reuse or ()]
    weights += [weight for row in client.length_coupling for weight in row if weight]
    assert min(weights) >= 5


def test_the_public_traces_have_twins():
    assert len(TWINS) == 5


class TestDefaultProblem:
    """The numbers of default-problem.md that live in conf/."""

    settings = compose_settings([])

    def test_driver(self):
        driver = self.settings.driver
        assert (driver.name, driver.budget, driver.batch) == ("deap_ga", 480, 24)
        assert driver.race == RaceSettings(error=0.05, band=0.002)

    def test_pools(self):
        sizes = self.settings.validation
        assert (sizes.search_seeds, sizes.selection_seeds, sizes.report_seeds) == (4, 16, 32)
        assert (sizes.finalists, sizes.random_policies) == (8, 16)

    def test_primary_baseline(self):
        assert self.settings.primary == "llm-d-default"
        scorers = {s.name: s.weight for s in self.settings.problem.baseline.routing.scorers}
        assert scorers == {"prefix-affinity": 3, "queue-waiting": 2, "kv-utilization": 2}
        assert self.settings.problem.baseline.routing.tie_break == "random"

    def test_space(self):
        parameters = self.settings.space.parameters
        scorers = ("prefix-affinity", "queue-depth", "queue-waiting", "kv-utilization", "load-balance")
        assert set(parameters) <= set(known_keys())
        assert set(parameters) == {
            *("admission.policy", "admission.token_bucket_capacity", "admission.token_bucket_refill_rate"),
            *("routing.policy", "routing.tie_break", *(f"routing.scorers.{name}" for name in scorers)),
            *("engine.max_running", "engine.max_scheduled_tokens", "engine.long_prefill_threshold"),
        }
        tokens, running = parameters["engine.max_scheduled_tokens"], parameters["engine.max_running"]
        assert (tokens.low, tokens.high, tokens.log, tokens.integer) == (256, 16384, True, True)
        assert (running.low, running.high, running.log, running.integer) == (16, 512, True, True)
        assert parameters["engine.long_prefill_threshold"].choices == (0, 256, 512, 1024, 2048)
        assert self.settings.space.relative == dict.fromkeys(
            ("admission.token_bucket_refill_rate", "admission.token_bucket_capacity"), "offered_tokens_per_s"
        )
