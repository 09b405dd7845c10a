"""Tests mirror the code: blis/workload/windows.py is tested by tests/blis/workload/test_windows.py."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.places import ROOT

PACKAGES = ("blis", "search")

#: Modules without a test file of their name, and why. Shrinks: a module that gets one must leave this list.
WITHOUT = {
    "blis/latency/step.py": "one record: tests/blis/latency/test_kinds.py",
    "blis/latency/shapes.py": "dataclasses of a roofline: tests/blis/latency/test_roofline.py",
    "blis/latency/registry.py": "what every kind goes through: tests/blis/latency/test_kinds.py",
    "blis/latency/deployment.py": "names of a deployment: tests/blis/latency/test_roofline_by_name.py",
    "blis/latency/blackbox.py": "three coefficients: tests/blis/latency/test_kinds.py",
    "blis/cli/run_scenario.py": "the flags of a command: tests/blis/cli/test_run.py and test_data_files.py",
    "blis/config/limits.py": "one constant",
    "blis/config/slo_tiers.py": "one dataclass: tests/blis/config/test_scenario.py",
    "blis/engine/columns.py": "names of columns: tests/blis/engine/test_boundary.py",
    "blis/evaluation/detectors/anomalies.py": "puts other detectors together: tests/blis/evaluation/test_metrics.py",
    "blis/fitness/block_kernels.py": "what by_blocks.py calls: tests/blis/fitness/test_by_blocks.py",
    "blis/fitness/make.py": "one choice: tests/blis/fitness/test_fitness.py",
    "blis/fitness/original.py": "against recorded scores: tests/blis/fitness/test_fitness.py",
    "blis/fitness/outcome.py": "what relative.py reads: tests/blis/fitness/test_fitness.py has the whole formula",
    "blis/fitness/relative.py": "the whole formula: tests/blis/fitness/test_fitness.py",
    "blis/fitness/terms.py": "the whole formula: tests/blis/fitness/test_fitness.py",
    "blis/fitness/value.py": "only a dataclass",
    "blis/jit/hooks.py": "how an entry is compiled: tests/blis/jit/test_entries.py",
    "blis/jit/program.py": "what an entry consists of: tests/blis/jit/test_entries.py",
    "blis/original/defaults_file.py": "a file of the user's: tests/blis/cli/test_data_files.py",
    "blis/original/json_results.py": "against recorded files: tests/blis/cli/test_run_original.py",
    "blis/original/text.py": "against recorded output: tests/blis/cli/test_run_original.py",
    "blis/policies/facts.py": "one table: tests/blis/policies/test_scorers.py scrambles what a template does not read",
    "blis/tables/records.py": "only layouts of arrays",
    "blis/tables/streams.py": "two records: tests/blis/test_stream.py",
    "blis/evaluation/streamed.py": "against whole runs: tests/blis/test_stream.py",
    "search/application.py": "the command line: tests/search/test_settings.py",
    "search/config.py": "the keys of conf/: tests/search/test_settings.py",
    "search/drivers/deap_ga.py": "as every driver: tests/search/drivers/test_drivers.py and test_deap_base.py",
    "search/drivers/random_search.py": "as every driver: tests/search/drivers/test_drivers.py",
    "search/testing.py": "tests itself: tests/search/drivers/test_drivers.py runs them on every driver",
}

#: Kernels that only a whole run can call: held equal to the oracle on random cases (tests/laws), on worked examples
#: (tests/vectors) and on the recorded runs (tests/parity).
AGAINST_THE_ORACLE = (
    "blis/engine/instance/latency.py",
    "blis/engine/gateway/records.py",
    "blis/engine/records.py",
    "blis/engine/world.py",
)


def without_mirror() -> set[str]:
    """The modules that no test file is named after."""
    modules = [path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return {
        module.as_posix()
        for module in modules
        if not module.name.startswith("__init__") and not mirror(module).is_file()
    }


def mirror(module: Path) -> Path:
    return ROOT / "tests" / module.parent / f"test_{module.stem.strip('_')}.py"


def test_every_module_has_tests_of_its_name_or_a_reason():
    assert without_mirror() - {*WITHOUT, *AGAINST_THE_ORACLE} == set()


def test_no_exception_is_out_of_date():
    assert {*WITHOUT, *AGAINST_THE_ORACLE} - without_mirror() == set()


def test_no_folder_of_tests_is_left_out(pytestconfig: pytest.Config):
    """Unless told otherwise pytest passes by folders that are called build, dist, venv and the like."""
    folders = {part for path in (ROOT / "tests").rglob("test_*.py") for part in path.relative_to(ROOT).parts[:-1]}
    left_out = pytestconfig.getini("norecursedirs")
    assert {folder for folder in folders if any(fnmatch(folder, pattern) for pattern in left_out)} == set()
