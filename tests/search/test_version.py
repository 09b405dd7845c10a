"""The version of what decides: any source or data file makes another one, where it is installed does not."""

import shutil
import subprocess
import sys

import pytest

from blis.errors import InputError
from blis.policies.priority import PRIORITIES
from search.application import compose_settings
from search.identity import run_id
from search.version import LIBRARIES, code_digest, files_digest, libraries, outside_files, package_files
from tests.places import CONF, ROOT

WITHOUT_CACHES = shutil.ignore_patterns("__pycache__")


@pytest.fixture
def site(tmp_path):
    """The packages as a wheel installs them, at another place."""
    for package in ("blis", "search"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=WITHOUT_CACHES)
    shutil.copytree(CONF, tmp_path / "search" / "conf")
    return tmp_path


def digest(site):
    return files_digest(package_files({name: site / name for name in ("blis", "search")}))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("blis/fitness/relative.py", "SQUASH = 1.5", "SQUASH = 1.6"),
        ("blis/workload/draw/arrivals.py", "import numpy", "import  numpy"),
        ("blis/latency/roofline.py", "import", "import "),
        ("blis/latency/coefficients.yaml", "0", "1"),
        ("blis/latency/models/qwen3-14b.yaml", "\n", "\n\n"),
        ("search/drivers/deap_ga.py", "tools.selBest", "tools.selWorst"),
        ("search/verdict/judgement.py", "SIGNIFICANCE = 0.05", "SIGNIFICANCE = 0.06"),
    ],
)
def test_every_file_that_decides_makes_another_version(site, file, old, new):
    before, path = digest(site), site / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    assert digest(site) != before


def test_a_new_or_a_renamed_file_makes_another_version(site):
    before = digest(site)
    added = site / "search" / "drivers" / "mine.py"
    added.write_text("")
    one = digest(site)
    added.rename(added.with_name("yours.py"))
    assert len({before, one, digest(site)}) == 3


def test_conf_caches_and_line_ends_make_no_other_version(site):
    assert digest(site) == code_digest()
    (site / "search" / "conf" / "config.yaml").write_text("# nothing\n")
    (site / "blis" / "__pycache__").mkdir()
    (site / "blis" / "__pycache__" / "jit.cpython-311.pyc").write_bytes(b"\0")
    path = site / "blis" / "fitness" / "relative.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert digest(site) == code_digest()


def test_a_search_has_one_id_wherever_it_is_installed(site):
    """Whatever is said in comments of conf/."""
    for path in (site / "search" / "conf").rglob("*.yaml"):
        path.write_text(path.read_text() + "# another comment\n")
    program = (
        "from search.application import compose_settings; from search.identity import run_id;"
        "print(run_id(compose_settings([])))"
    )
    there = subprocess.run([sys.executable, "-c", program], cwd=site, check=True, capture_output=True, text=True)
    assert there.stdout.strip() == run_id(compose_settings([]))


def test_libraries_are_those_that_decide():
    assert set(libraries()) == set(LIBRARIES) >= {"numpy", "numba", "scipy"}


@pytest.fixture
def registered():
    """Registers a priority policy for as long as a test runs."""

    def register(function):
        PRIORITIES.register("mine")(function)
        return outside_files

    yield register
    PRIORITIES.forget("mine")


def mine(columns):
    """A policy of somebody's own."""


def test_templates_from_outside_belong_to_the_version(registered):
    assert outside_files() == {}
    (found,) = registered(mine)().values()
    assert found.samefile(__file__)


def test_a_template_without_a_file_is_refused(registered):
    made = {}
    exec(compile("def mine(columns): pass", "<console>", "exec"), made)
    with pytest.raises(InputError, match=r"'mine' is defined in <console>; put it into a file"):
        registered(made["mine"])()
