"""Things by name, ours and those of installed packages."""

import subprocess
import sys

import pytest

from blis.errors import InputError
from blis.plugins import Named

PROGRAM = """
import blis.plugins
from blis.errors import InputError

def refuse(group):
    raise AssertionError(f"{group} is looked for while modules are being imported")

blis.plugins.load = refuse
import blis.api, blis.cli.main, blis.testing, search.__main__
"""


def test_importing_our_modules_looks_for_no_package():
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)


def test_names_are_given_once_and_kept_in_order():
    things = Named("thing", "tests.nothing")
    assert things.register("b")(1) == 1
    things.register("a")(2)
    assert (list(things), things["a"], len(things), "c" in things) == (["b", "a"], 2, 2, False)
    with pytest.raises(ValueError, match="thing 'a' is registered already"):
        things.register("a")(3)
    things.forget("a")
    things.register("a")(3)
    assert things["a"] == 3


def test_an_unknown_name_is_answered_with_the_nearest():
    things = Named("thing", "tests.nothing")
    things.register("apple")(1)
    with pytest.raises(InputError, match=r"unknown thing 'aple' \(did you mean 'apple'\?\); choose one of: apple"):
        things["aple"]
