import pytest

from blis.cli.diagnostics import LEVELS, Log


@pytest.mark.parametrize("level", LEVELS)
def test_a_log_says_what_is_important_enough(level: str, capsys):
    Log(level).info("understood")
    Log(level).warn("careful")
    said = {"trace": 2, "debug": 2, "info": 2, "warn": 1}.get(level, 0)
    lines = ["blis: info: understood\n", "blis: warning: careful\n"]
    assert capsys.readouterr() == ("", "".join(lines[2 - said :]))


def test_warnings_are_said_unless_told_otherwise(capsys):
    Log().info("understood")
    Log().warn("careful")
    assert capsys.readouterr().err == "blis: warning: careful\n"
