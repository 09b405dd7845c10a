import re
import subprocess
import sys

from blis.warm import main
from tests.places import ROOT


def test_kernels_of_live_runs_are_on_disk_afterwards():
    """In processes of their own: in this one they may have been compiled."""
    for word in ("", "loaded from the cache"):
        done = subprocess.run([sys.executable, "-m", "blis.warm", "--live"], capture_output=True, text=True, check=True)
        assert done.stderr.startswith(f"kernels {word}")


def test_the_list_names_every_file_with_kernels(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    main(["--list", str(tmp_path / "kernels.mk")])
    assert capsys.readouterr().err.startswith("kernels ")
    name, _, files = (tmp_path / "kernels.mk").read_text().partition(" := ")
    assert name == "KERNEL_SOURCES"
    listed = {ROOT / file for file in files.split()}
    with_kernels = {
        path
        for folder in ("engine", "policies", "latency")
        for path in (ROOT / "blis" / folder).rglob("*.py")
        if re.search(r"^@(kernel|[A-Z]+\.register)", path.read_text(), re.MULTILINE)
    }
    columns = {ROOT / "blis" / "policies" / name for name in ("priority.py", "schedulers.py")}  # no kernels
    live = {
        ROOT / "blis" / "engine" / name for name in ("instance/abort.py", "live/told.py")
    }  # compiled at the first live run
    assert with_kernels - columns - live <= listed
    assert all(path.is_file() for path in listed)
