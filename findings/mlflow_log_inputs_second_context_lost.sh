#!/usr/bin/env bash
# MLflow 3.17.2 keeps the context of a dataset's first log_inputs of a run and drops every later one without a word.
#
# Expected: a dataset that a run used twice, say to train and to evaluate, has both contexts; or the call is refused.
# Seen: the second call succeeds and its tag is nowhere. In one call with both, the first one is kept.
# So a table with two uses must be logged under two digests, or the record says less than was asked for.
# It takes the python of PATH, or of $PYTHON, which must have mlflow: an environment of its own has 1 GB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"${PYTHON:-python3}" - "$folder" <<'PY' 2> /dev/null
import sys

import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.tracking import MlflowClient

client = MlflowClient(f"sqlite:///{sys.argv[1]}/mlflow.db")
experiment = client.create_experiment("mine")


def kept(*calls):
    """The contexts that a new run has after these calls of log_inputs."""
    run_id = client.create_run(experiment).info.run_id
    for contexts in calls:
        tags = [[InputTag("mlflow.data.context", context)] for context in contexts]
        client.log_inputs(run_id, [DatasetInput(Dataset("requests", "1a2b", "code", "{}"), tag) for tag in tags])
    return [tag.value for one in client.get_run(run_id).inputs.dataset_inputs for tag in one.tags]


one_by_one, together = kept(["training"], ["evaluation"]), kept(["training", "evaluation"])
print(f"mlflow {mlflow.__version__}: training, then evaluation: {one_by_one}; both in one call: {together}")
sys.exit(0 if one_by_one == together == ["training"] else 1)  # 1: the behaviour described above has changed
PY
