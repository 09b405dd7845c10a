"""Overrides that Hydra's grammar does not take: where it stops, and how to quote, so that it works."""

import shlex

import pytest

from blis.errors import InputError
from search.application import compose_settings


def said(*overrides):
    with pytest.raises(InputError) as error:
        compose_settings(overrides)
    text = str(error.value)
    assert len(text.splitlines()) == 1
    return text


@pytest.mark.parametrize(
    ("path", "at", "character"),
    [
        ("~/t.csv", 15, "~"),
        ("run=2/t.csv", 18, "="),
        ("t[1].csv", 16, "["),
        ("日志.csv", 15, "日"),
        ("a#b.csv", 16, "#"),
        ("a&b.csv", 16, "&"),
        ("t (1).csv", 20, "."),
        ('a"b.csv', 16, '"'),
    ],
)
def test_it_says_where_and_how_to_quote_and_that_works(path, at, character):
    text = said("workload=trace", f"workload.path={path}")
    assert text.startswith(f"workload.path={path}: character {at}, {character!r}, cannot be read")
    (quoted,) = shlex.split(text.partition("needs quotes: ")[2])
    settings = said("workload=trace", quoted)  # read as it is meant, and not there
    assert settings.endswith("No such file or directory") and path.removeprefix("~/") in settings


@pytest.mark.parametrize(
    ("override", "part"),
    [
        ("seed", "seed: an override is key=value"),
        ("comapre", "comapre: an override is key=value (did you mean the command 'compare'?)"),
        ("driver.batch={", "driver.batch={: no viable alternative at input '{'"),
        ("seed=int(x)", "seed=int(x): ValueError while evaluating 'int(x)'"),
        ("a b=3", "a b=3: character 2, ' ', cannot be read"),
        ("driver=null", "a group (cluster, workload, …) is chosen by the name of a file"),
        ("=3", "a group (cluster, workload, …) is chosen by the name of a file"),
        ("seed=" + "9" * 5000, "4300 digits"),
    ],
)
def test_others_are_one_line_too(override, part):
    assert part in said(override)


def test_long_ones_are_cut_short():
    for override in ("9" * 5000, "workload.path=" + "~" * 5000, "seed=int(" + "x" * 5000 + ")"):
        assert len(said(override)) < 1000


def test_the_command_ends_with_its_line(monkeypatch, capsys, tmp_path):
    from search.application import EXIT_INPUT, launch

    for override in ("seed=" + "9" * 5000, "driver=null", "cluster=nowhere/mine.yaml", "workload.path=~/x"):
        monkeypatch.setattr("sys.argv", ["search", override, f"hydra.run.dir={tmp_path / 'run'}"])
        assert launch(lambda settings: 0) == EXIT_INPUT
        error = capsys.readouterr().err
        assert error.startswith("error: ") and error.count("\n") == 1


def test_a_mistake_in_the_job_is_not_taken_for_one_in_the_command(monkeypatch, tmp_path):
    from search.application import launch

    def job(settings):
        raise ValueError("a mistake of ours")

    monkeypatch.setattr("sys.argv", ["search", f"hydra.run.dir={tmp_path / 'run'}"])
    with pytest.raises(ValueError, match="a mistake of ours"):
        launch(job)
