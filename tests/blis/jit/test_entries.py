"""What is compiled is what is written, whoever wrote it, when and where; a hook that no longer fits costs time only."""

import io
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from blis.errors import InputError
from blis.jit import Entry, Late, hooks, kernel
from blis.jit.entries import PLAIN_VARIABLE
from blis.policies.registry import Bounds, Registry
from tests.places import ROOT

MAIN = """
    import sys
    import numpy as np
    from blis.jit import entry
    from parts import limits, one
    from parts.inner import two

    @entry()
    def run(numbers):
        for k in range(len(numbers)):
            numbers[k] = one.first(numbers[k]) + two.second(numbers[k])

    numbers = np.arange(3)
    run(numbers)
    print(numbers.tolist(), run.from_disk)
"""
ONE = """
    from blis.jit import kernel
    from parts import limits

    @kernel
    def first(x):
        return 10 * x + limits.LIMIT
"""
TWO = """
    from blis.jit import kernel

    @kernel
    def second(x):
        return 100 * x
"""


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


def run_in(folder: Path, name: str = "main", **variables: str) -> str:
    """What a program in a folder prints."""
    environment = os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"} | variables
    command = [sys.executable, str(folder / f"{name}.py")]
    return subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout.strip()


def test_the_cache_is_used_and_an_edit_of_anything_that_decides_misses_it(tmp_path):
    write(tmp_path, main=MAIN, parts____init__="", parts__limits="LIMIT = 1", parts__one=ONE)
    write(tmp_path, parts__inner____init__="", parts__inner__two=TWO)
    assert run_in(tmp_path) == "[1, 111, 221] False"
    assert run_in(tmp_path) == "[1, 111, 221] True"
    write(tmp_path, parts__limits="LIMIT = 2")  # a constant in a file without kernels
    assert run_in(tmp_path) == "[2, 112, 222] False"
    write(tmp_path, parts__inner__two=TWO.replace("100", "200"))  # a kernel in a folder below
    assert run_in(tmp_path) == "[2, 212, 422] False"
    write(tmp_path, parts__limits="LIMIT = 1", parts__inner__two=TWO)
    assert run_in(tmp_path) == "[1, 111, 221] True"


#: Changes the text of a kernel between its import and its first call, as a user in an editor may.
EDITING = """
    import os
    from pathlib import Path
    import parts.inner.two
    if "EDIT" in os.environ:
        file = Path(parts.inner.two.__file__)
        file.write_text(file.read_text().replace("100", "300"))
"""


def test_what_is_on_disk_is_loaded_without_all_that_numba_could_compile(tmp_path):
    write(tmp_path, parts__one=ONE, parts__inner__two=TWO, parts__limits="LIMIT = 7", main=MAIN)
    write(tmp_path, parts____init__="", parts__inner____init__="")
    write(tmp_path, again="import sys, main; print('numba.np.arraymath' in sys.modules)")
    found = [run_in(tmp_path, "again").split("\n") for _ in range(2)]
    assert found == [["[7, 117, 227] False", "True"], ["[7, 117, 227] True", "False"]]


def test_an_edit_between_import_and_first_call_never_keeps_the_old_code_as_the_new(tmp_path):
    write(tmp_path, main=EDITING + MAIN, parts____init__="", parts__limits="LIMIT = 1", parts__one=ONE)
    write(tmp_path, parts__inner____init__="", parts__inner__two=TWO)
    assert run_in(tmp_path, EDIT="1") == "[1, 111, 221] False"
    assert run_in(tmp_path) == "[1, 311, 621] False"


@pytest.mark.parametrize("usable", [True, False])
def test_a_place_of_the_users_is_used_and_without_one_it_works_too(tmp_path, usable):
    write(tmp_path, main=MAIN, parts____init__="", parts__limits="LIMIT = 1", parts__one=ONE)
    write(tmp_path, parts__inner____init__="", parts__inner__two=TWO)
    place = tmp_path / "mine"
    if not usable:
        place.write_text("")
    assert run_in(tmp_path, NUMBA_CACHE_DIR=str(place)) == "[1, 111, 221] False"
    assert run_in(tmp_path, NUMBA_CACHE_DIR=str(place)) == f"[1, 111, 221] {usable}"


@pytest.mark.parametrize("watched", [True, False])
def test_who_watches_is_told_that_it_takes_a_while_once(tmp_path, monkeypatch, watched):
    screen = io.StringIO()
    screen.isatty = lambda: watched
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr("blis.jit.entries.cache_root", lambda: tmp_path)
    for _ in range(2):
        Entry(wave)(np.linspace(-5, 5, 11))
    assert len(screen.getvalue().splitlines()) == int(watched)


def test_a_template_registered_after_a_call_is_known_at_the_next():
    registry = Registry("demo", "x")
    call = registry.dispatcher()

    @registry.register("double")
    def double(x):
        return 2 * x

    @kernel
    def choose(code, params, x):
        return call(code, params, x)

    run = Entry(choose, keep=False)
    assert run(0, np.zeros(1), 5) == 10
    before = run.digest

    @registry.register("scaled", factor=Bounds(0, 9))
    def scaled(factor, x):
        return factor * x

    assert run(1, np.array([3.0]), 5) == 15
    assert run(0, np.zeros(1), 5) == 10
    assert run.digest != before


def test_a_subclass_of_a_registry_is_one():
    class Loud(Registry):
        def code(self, name):
            return super().code(name.lower())

    loud = Loud("demo", "x")

    @loud.register("shout")
    def shout(x):
        return x + 1

    assert Entry(kernel(loud.dispatcher()), keep=False)(loud.code("SHOUT"), np.zeros(1), 1) == 2


def test_kernels_of_one_source_differ_by_what_they_close_over():
    def adder(amount):
        @kernel
        def add(x):
            return x + amount

        return Entry(add, keep=False)

    assert [adder(amount)(1) for amount in (1, 2)] == [2, 3]
    assert adder(1).digest != adder(2).digest
    assert adder(1).digest == adder(1).digest


def test_a_kernel_without_a_file_counts_by_its_code():
    def typed(text):
        scope: dict = {}
        exec(text, scope)
        return Entry(kernel(scope["f"]), keep=False)

    one, two = typed("def f(x): return x + 1"), typed("def f(x): return x + 2")
    assert (one(1), two(1)) == (2, 3)
    assert one.digest != two.digest


def test_an_attribute_may_have_the_name_of_a_kernel():
    record = np.zeros(1, [("total", "i8")]).view(np.recarray)
    assert Entry(total, keep=False)(record) == 1


@kernel
def total(record):
    return record[0].total + 1


def test_a_late_kernel_is_written_when_it_is_needed():
    bodies = ["return x"]
    late = kernel(Late("x", lambda: (bodies[-1], {})))
    assert late(3) == 3
    bodies.append("return x * x")
    assert late(3) == 9
    assert Entry(late, keep=False)(3) == 9


def wave(numbers):
    """Sums whose last bits depend on the order of operations."""
    total = 0.0
    for number in numbers:
        total += step(number, 0.1) * 1e-3
        total += step(number, 1)
    return total


@kernel
def step(number, factor):
    return number * factor / 3.0 + (number - 0.7) ** 3


def test_the_plain_way_gives_equal_bits(monkeypatch):
    numbers = np.linspace(-5, 5, 1001)
    hooked = Entry(wave, keep=False)(numbers)
    monkeypatch.setenv(PLAIN_VARIABLE, "1")
    assert Entry(wave, keep=False)(numbers) == hooked == wave(numbers)


def test_a_hook_that_does_not_fit_falls_back_to_the_plain_way_and_says_so(monkeypatch):
    class Changed:
        def __init__(self, *arguments: object) -> None:
            raise AttributeError("numba has no such class any more")

    monkeypatch.setattr(hooks, "_KernelLibrary", Changed)
    numbers = np.linspace(-5, 5, 101)
    with pytest.warns(RuntimeWarning, match="no such class any more.*compiled the plain way"):
        assert Entry(wave, keep=False)(numbers) == wave(numbers)


def test_a_mistake_in_a_kernel_is_the_users_and_said_in_one_line():
    @kernel
    def wrong(x):
        return x.nothing + 1

    with pytest.raises(InputError, match=r"cannot be compiled: .*nothing.*test_entries\.py") as caught:
        Entry(wrong, keep=False)(1)
    assert "\n" not in str(caught.value)


SIMULATION = """
    import sys
    import blis

    scenario = {"cluster": {"instances": 2, "routing": {"policy": "least-loaded"}},
                "instance": {"latency_model": {"alpha": [100, 1, 10], "beta": [5000.3, 20.7, 30.1]},
                             "kv": {"blocks": 99}}}
    result = blis.simulate(scenario, sys.argv[1])
    print(result.to_frame().to_csv())
"""


@pytest.mark.slow
def test_the_engine_compiled_the_plain_way_gives_the_same_results(tmp_path, small):
    write(tmp_path, main=SIMULATION.replace("sys.argv[1]", repr(str(small / "requests.csv"))))
    assert run_in(tmp_path, **{PLAIN_VARIABLE: "1"}) == run_in(tmp_path)
