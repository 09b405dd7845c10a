import subprocess
import sys


def test_the_command_is_there_as_a_module():
    done = subprocess.run([sys.executable, "-m", "blis", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("blis ")
    bad = subprocess.run([sys.executable, "-m", "blis", "rnu"], capture_output=True, text=True)
    assert bad.returncode == 2 and "run" in bad.stderr and "Traceback" not in bad.stderr
