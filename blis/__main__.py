"""`python -m blis`: the command `blis`, where it is not on the path."""

from __future__ import annotations

import sys

from blis.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
