"""Which keys of the search space decided whether a candidate was among the best: PED-ANOVA over all of them.

Source: Watanabe, Bansal, Hutter, arXiv:2304.10255, as Optuna has it, conditional keys included.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import optuna
from optuna.trial import TrialState

from search.drivers.optuna_trials import trial_of
from search.running.archive import Archive
from search.space.space import Space

#: Fewer scored candidates say nothing.
FEWEST = 20


def importance(space: Space, archive: Archive) -> Mapping[str, float]:
    """Shares of the searched keys, the largest first; they add up to 1. Empty if too little was searched."""
    scored = [row for row in archive.rows if row.genome and row.evaluation.fitness is not None]
    if len(scored) < FEWEST:
        return {}
    # Here, because it brings scikit-learn: most of a second before the first candidate.
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    optuna.logging.set_verbosity(optuna.logging.WARNING)  # no line per study
    study = optuna.create_study(direction="maximize")
    study.add_trials([trial_of(space, row.genome, TrialState.COMPLETE, row.evaluation.fitness) for row in scored])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        try:
            found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
        except UserWarning:  # none is better than the others
            return {}
    return {key: float(share) for key, share in sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))}
