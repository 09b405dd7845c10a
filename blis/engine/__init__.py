"""The simulator's kernels. Read records.py first, then run.py, gateway.py, step.py, batch.py, kv.py."""
