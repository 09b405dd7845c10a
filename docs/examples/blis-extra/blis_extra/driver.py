"""An optimizer: one gene of the best genome so far is drawn anew."""

from search.drivers.base import DRIVERS, Proposal, SeededDriver


@DRIVERS.register("extra_climber")
class Climber(SeededDriver):
    """Keeps the best and changes one gene."""

    def __init__(self, space, seeds, seed, options):
        """Start without a best genome."""
        super().__init__(space, seeds, seed, options)
        self.best, self.score = None, None

    def _propose(self):
        if self.best is None:
            return Proposal(self.space.sample(self.rng), "random")
        key = self.rng.choice(sorted(self.best))
        changed = {**self.best, key: self.space.parameters[key].sample(self.rng)}
        genome = self.space.complete(changed, self.rng)
        return Proposal(genome if self.space.flaw(genome) is None else self.space.sample(self.rng), "climb")

    def tell(self, proposals, evaluations):
        """Remember the best."""
        for proposal, found in zip(proposals, evaluations, strict=True):
            if found.fitness is not None and (self.score is None or found.fitness > self.score):
                self.best, self.score = dict(proposal.genome), found.fitness

    def state(self):
        """The base state, the best and its score."""
        return {**super().state(), "best": self.best, "score": self.score}

    def restore(self, state):
        """The inverse of `state`."""
        super().restore(state)
        self.best, self.score = state["best"], state["score"]
