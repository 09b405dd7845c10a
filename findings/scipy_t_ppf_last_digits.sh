#!/usr/bin/env bash
# scipy.stats.t.ppf(0.975, df) is 2e-11 off at 1 degree of freedom in 1.16.3, and right to the last digits in 1.17.0.
#
# Expected: a quantile of Student's t is settled; releases agree to the last bits of a double.
# Seen: relative differences of 2e-11 (df 1) and 2e-13 (df 3 and 15), none to speak of at df 7 and 31. At 1 degree of
# freedom the quantile is tan(0.475 pi) = 12.706204736174707, which 1.17.0 gives to 14 digits.
# So an interval that is written with every digit, or hashed, depends on the version of scipy that computed it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for version in 1.16.3 1.17.0; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install --quiet --disable-pip-version-check "scipy==$version" "numpy==2.3.5"
    "$folder/$version/bin/python" -c "
from scipy import stats
for df in (1, 3, 7, 15, 31):
    print(df, repr(float(stats.t.ppf(0.975, df))))
" > "$folder/$version.txt"
done

python3 - "$folder" <<'PY'
import sys

old, new = (dict(line.split() for line in open(f"{sys.argv[1]}/{version}.txt")) for version in ("1.16.3", "1.17.0"))
worst = 0.0
for df in old:
    gap = abs(float(old[df]) - float(new[df])) / float(new[df])
    worst = max(worst, gap)
    print(f"t.ppf(0.975, {df:>2}): scipy 1.16.3 {old[df]}  1.17.0 {new[df]}  relative difference {gap:.1e}")
sys.exit(0 if 1e-13 < worst < 1e-9 else 1)  # 1: the behaviour described above has changed
PY
