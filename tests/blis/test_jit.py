import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import blis.jit

PACKAGE = Path(blis.jit.__file__).parent


def warm(folder: Path) -> str:
    """What `python -m blis.warm` says in a copy of the package."""
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "blis.warm"]
    return subprocess.run(command, check=True, cwd=folder, env=environment, capture_output=True, text=True).stderr


@pytest.mark.slow
def test_the_cache_is_used_and_an_edit_of_any_kernel_source_misses_it(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "blis", ignore=shutil.ignore_patterns("__pycache__"))
    assert "compiled" in warm(tmp_path)
    assert "loaded from the cache" in warm(tmp_path)
    with (tmp_path / "blis/engine/heap.py").open("a") as file:
        file.write("\n# edited\n")
    assert "compiled" in warm(tmp_path)
