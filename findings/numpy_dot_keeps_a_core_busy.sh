#!/usr/bin/env bash
# numpy.dot of 10,001 numbers keeps another core busy until well after it has returned; of 10,000 numbers it does not.
#
# Expected: a sum of products takes some µs of CPU, and one number more changes nothing to speak of; while the caller
# sleeps between two calls, nothing runs.
# Seen (numpy 2.4.6, its wheel's OpenBLAS 0.3.31, Linux x86-64, two cores): above 10,000 elements the product is shared
# with the threads of OpenBLAS, and these wait for the next call in a busy loop: a call every 2 ms costs 2 ms of CPU,
# twenty times as much as with one element less, and as long as the caller sleeps. OPENBLAS_NUM_THREADS=1 takes it away;
# so does a sum of products that is no BLAS call, (a * b).sum(). A program of several workers pays for each of them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "numpy==2.4.6"

cat > "$folder/cost.py" <<'PY'
import sys
import time

import numpy as np


def cpu_us(n: int, calls: int = 200) -> float:
    """CPU time of all threads for a product and 2 ms of sleep."""
    a, b = np.ones(n), np.ones(n)
    before = time.process_time()
    for _ in range(calls):
        np.dot(a, b)
        time.sleep(0.002)
    return (time.process_time() - before) / calls * 1e6


costs = {n: sorted(cpu_us(n) for _ in range(3))[1] for n in (10_000, 10_001)}
for n, cost in costs.items():
    print(f"np.dot of {n} numbers and a sleep of 2 ms: {cost:.0f} us of CPU")
sys.exit(0 if costs[10_001] > 5 * costs[10_000] else 1)
PY

if [ "$(nproc)" -lt 2 ]; then
    echo "one core: OpenBLAS has no second thread, and nothing is to be seen"
    exit 0
fi
echo "as it comes:"
"$folder/venv/bin/python" "$folder/cost.py"
echo "with OPENBLAS_NUM_THREADS=1:"
if OPENBLAS_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/cost.py"; then
    exit 1 # it is not the threads
fi
