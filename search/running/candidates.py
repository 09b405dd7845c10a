"""What a search evaluates next: the baselines, then whatever the driver proposes, each with its policy."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blis.errors import InputError
from search.drivers import make_driver
from search.drivers.base import SEED, Driver, Proposal
from search.problem.policy import Policy
from search.problem.problem import Problem
from search.running.archive import BASELINE
from search.running.evaluation import Evaluation
from search.running.study import SharedStudy, shared_study
from search.settings import Settings
from search.space.codec import decode, encode, silent_part
from search.space.space import Genome, Space


@dataclass(frozen=True)
class Candidate:
    """What is evaluated: a proposal of the driver, or a given policy with the genome that lies nearest, if any."""

    proposal: Proposal | None
    origin: str
    policy: Policy | None
    reason: str = ""  # why it is no policy
    name: str = ""  # of a given policy

    @property
    def genome(self) -> Genome:
        """Of the proposal; empty for a given policy outside the space."""
        return self.proposal.genome if self.proposal else {}


class Candidates:
    """Hands out what to evaluate next: every given policy first, then whatever the driver proposes.

    Given policies (baselines and seeds) that lie in the space are the driver's seeds and teach it; all of them are
    evaluated as the bundles they are, not as the nearest point of the space.
    """

    def __init__(
        self, settings: Settings, inside: Collection[str], driver: Driver, study: SharedStudy | None = None
    ) -> None:
        """inside: names of the given policies that the driver was given, in their order. study: of other searchers."""
        self._settings, self._driver, self._study = settings, driver, study
        self._outside = [(name, policy) for name, policy in settings.given.items() if name not in inside]
        self._inside = [(name, policy) for name, policy in settings.given.items() if name in inside]

    def take(self, n: int) -> list[Candidate]:
        """The next `n` candidates."""
        chosen = [self._given(None, name, policy) for name, policy in self._outside[:n]]
        self._outside = self._outside[n:]
        if self._study is not None:
            self._driver.tell(*self._study.news())
        return chosen + [self._candidate(proposal) for proposal in self._driver.ask(n - len(chosen))]

    def tell(self, candidates: Sequence[Candidate], evaluations: Sequence[Evaluation]) -> None:
        """Let the driver learn from what it proposed."""
        pairs = zip(candidates, evaluations, strict=True)
        told = [(candidate.proposal, evaluation) for candidate, evaluation in pairs if candidate.proposal]
        proposals, scored = [proposal for proposal, _ in told], [evaluation for _, evaluation in told]
        self._driver.tell(proposals, scored)
        if self._study is not None:
            self._study.put(proposals, scored)

    def state(self) -> dict[str, Any]:
        """Everything that decides what comes next, as JSON-able data."""
        waiting = {"outside": [name for name, _ in self._outside], "inside": [name for name, _ in self._inside]}
        shared = {} if self._study is None else {"study": self._study.state()}
        return {"baselines": waiting, "driver": self._driver.state(), **shared}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue where the candidates that gave `state` stood."""
        waiting = state["baselines"]
        self._outside = [(name, policy) for name, policy in self._outside if name in waiting["outside"]]
        self._inside = [(name, policy) for name, policy in self._inside if name in waiting["inside"]]
        self._driver.restore(state["driver"])
        if self._study is not None:
            self._study.restore(state["study"])

    def _candidate(self, proposal: Proposal) -> Candidate:
        """A proposal with its policy, or with the reason why it is none."""
        if proposal.origin == SEED and self._inside:
            return self._given(proposal, *self._inside.pop(0))
        try:
            policy = policy_of(proposal.genome, self._settings.space, self._settings.problem)
        except InputError as error:
            return Candidate(proposal, proposal.origin, None, str(error))
        return Candidate(proposal, proposal.origin, policy)

    def _given(self, proposal: Proposal | None, name: str, policy: Policy) -> Candidate:
        """A given policy: a baseline, or a seed."""
        return Candidate(proposal, given_origin(self._settings, name), policy, name=name)


def make_candidates(settings: Settings) -> Candidates:
    """The candidates of a run, with its driver at the start."""
    genomes = seed_genomes(settings.space, settings.given, settings.problem)
    name, options = settings.driver.name, settings.driver.options
    driver = make_driver(name, settings.space, list(genomes.values()), settings.seed, options)
    return Candidates(settings, genomes, driver, shared_study(settings))


def given_origin(settings: Settings, name: str) -> str:
    """Where a given policy comes from, by its name."""
    return BASELINE if name in settings.baselines else SEED


def policy_of(genome: Genome, space: Space, problem: Problem) -> Policy:
    """The policy that a genome stands for, the baseline's where that is silent. Raises InputError if it is none."""
    return problem.candidate(decode(space, genome, problem.rates))


def seed_genomes(space: Space, given: Mapping[str, Policy], problem: Problem) -> dict[str, Genome]:
    """The genomes of those given policies that lie in the space, by name: the start of a driver.

    Where the space is silent they must decide as its candidates do: their scores are no news of it else.
    """
    as_candidates = silent_part(space, problem.against)
    inside = {name: policy for name, policy in given.items() if silent_part(space, policy) == as_candidates}
    found = {name: encode(space, policy, problem.rates) for name, policy in inside.items()}
    return {name: genome for name, genome in found.items() if genome is not None}
