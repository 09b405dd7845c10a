"""The page: what it says, that it needs nothing else, and that it is there whatever became of the search."""

import json
import re
import shutil
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest

from blis.files import write_text
from blis.yaml_strict import load_mapping
from search.__main__ import run
from search.application import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_OK
from search.report.finished import read_finished
from search.report.page import PAGE, page, write_page
from search.settings import make_settings
from tests.blis.workload.trace_files import random_mooncake_rows, write_mooncake
from tests.search.small import interrupted_at, small_settings, without_candidates

LARGEST_BYTES = 3_000_000
SECTIONS = ("trust", "change", "proof", "requests", "why", "search", "origin")


class Elements(HTMLParser):
    """Every element of a page, the sections among them, and whether all that is opened is closed."""

    VOID = ("meta", "path", "use", "br", "rect")

    def __init__(self, text):
        super().__init__()
        self.attributes, self.sections, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, *pair) for pair in attrs]
        self.sections += [value for name, value in attrs if (tag, name) == ("section", "id")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def words(text):
    """What a reader sees, in one line."""
    return " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL)).split())


@pytest.fixture
def copied(done, tmp_path):
    """The finished search in a folder that a test may change."""
    shutil.copytree(done.run_dir, tmp_path, dirs_exist_ok=True)
    return replace(done, run_dir=tmp_path)


def changed_verdict(settings, **values):
    path = settings.run_dir / "verdict.json"
    verdict = {**json.loads(path.read_text()), **values}
    path.write_text(json.dumps({key: value for key, value in verdict.items() if value is not ...}))
    return page(read_finished(settings))


@pytest.fixture(scope="module")
def text(done):
    return (done.run_dir / PAGE).read_text()


def test_it_says_the_verdict_and_has_all_sections(done, text):
    verdict = json.loads((done.run_dir / "verdict.json").read_text())
    assert verdict["sentence"] in words(text)
    assert Elements(text).sections == list(SECTIONS)
    for name, found in verdict["baselines"].items():
        assert f"{name}" in words(text) and f"{found['mean']:+.3f}" in words(text)
    assert f"Keep what you run: {done.primary}" in words(text)


def test_every_element_is_closed(text):
    assert Elements(text).open == []


def test_it_loads_nothing(text):
    loading = [
        attribute for attribute in Elements(text).attributes if attribute[1] in ("src", "href", "srcset", "data")
    ]
    assert loading and all(value.startswith("#") for _, _, value in loading)
    assert not re.search(r"https?://|@import|url\((?!#)|<script|<link", text)


def test_no_two_elements_share_an_id(text):
    ids = [value for _, name, value in Elements(text).attributes if name == "id"]
    assert len(set(ids)) == len(ids)
    used = {value[1:] for _, name, value in Elements(text).attributes if name == "href"}
    assert used <= set(ids)


def test_it_is_small(text):
    assert len(text.encode()) < LARGEST_BYTES


def test_the_same_folder_gives_the_same_bytes(copied, text):
    write_page(make_settings(load_mapping(copied.run_dir / "config.yaml"), copied.run_dir))
    assert (copied.run_dir / PAGE).read_text() == text


def test_of_clock_and_machine_it_tells_nothing(done, text):
    info = json.loads((done.run_dir / "run_info.json").read_text())
    assert info["libraries"]["numpy"] in words(text)
    for private in (info["started"], info["folder"], info["machine"]["system"], info["backend"] + " "):
        assert private not in words(text.split("config.yaml</summary>")[0])


def test_names_are_escaped(copied):
    nasty = '<img src=x onerror="alert(1)">&'
    verdict = json.loads((copied.run_dir / "verdict.json").read_text())
    found = verdict["baselines"][verdict["primary"]]
    explanation = {**verdict["explanation"], "slices": slices_named(nasty), "given_up": [nasty]}
    text = changed_verdict(
        copied, sentence=nasty, doubts=[nasty], baselines={nasty: found}, explanation=explanation, run_id=nasty
    )
    assert "<img" not in text and 'onerror="' not in text
    assert words(text).count(nasty) >= 6
    assert Elements(text).open == []


def slices_named(name):
    return {name: {"value": 4, "values": [2, 4, 8], "scores": [0.1, 0.2, None], "plateau": [4, 4], "cliff": 0.5}}


def test_the_page_of_a_verdict_that_lacks_what_is_newer_than_it(copied):
    whole = json.loads((copied.run_dir / "verdict.json").read_text())
    needed = ("sentence", "outcome")
    text = changed_verdict(copied, **{key: ... for key in whole if key not in needed})
    assert Elements(text).sections == ["change", "search", "origin"]
    for key in ("advice", "candidate", "explanation", "latency_model", "robust", "saving"):
        shutil.copy(copied.run_dir / "verdict.json", copied.run_dir / "kept.json")
        (copied.run_dir / "verdict.json").write_text(json.dumps({**whole, key: None}))
        assert whole["sentence"] in words(page(read_finished(copied))), key


def test_without_an_explanation_nothing_is_explained(copied):
    assert "why" not in Elements(changed_verdict(copied, explanation=None)).sections


def test_the_keys_that_decided_most_come_first(copied):
    verdict = json.loads((copied.run_dir / "verdict.json").read_text())
    importance = {"a.little": 0.1, "b.most": 0.698, "c.some": 0.2, "d.nothing": 0.002, "e.none": 0.0}
    text = words(changed_verdict(copied, explanation={**verdict["explanation"], "importance": importance}))
    assert "b.most 69.8% c.some 20.0% a.little 10.0% Less than 1 % each: d.nothing, e.none." in text


def test_halves_stand_only_where_the_policy_found_has_two(copied):
    one, nothing = {"mean": 0.1, "t": [0.05, 0.15]}, {"mean": 0.0, "t": [0.0, 0.0]}
    for knobs, there in ((one, True), (nothing, False)):
        text = words(changed_verdict(copied, split={"knobs_alone": knobs, "policy_alone": one}))
        assert ("its engine knobs alone" in text, "its router and admission alone" in text) == (there, there)
        assert ("Half of the policy found" in text) == there


def test_other_worlds_are_shown_where_they_were_tried(copied):
    robust = [
        {"shift": "rate +20 %", "mean": 0.05, "t": [0.01, 0.09], "best_baseline": None},
        {"shift": "burstiness × 2", "mean": -0.02, "t": [-0.03, -0.01], "best_baseline": None},
        {"shift": "one instance less", "left_out": "there is only one"},
    ]
    saving = {"target": 0.95, "primary_rate": 50.0, "rate": 55.0, "instances_today": 4}
    saving |= {"instances": 3.636, "instances_interval": [3.5, 3.75], "rate_interval": [53.3, 57.1]}
    text = changed_verdict(copied, robust=robust, saving=saving)
    assert "worlds" in Elements(text).sections
    assert "burstiness × 2 -0.020 [-0.030, -0.010]" in words(text)
    assert "deployed 55 [53.3, 57.1]: the same SLO attainment with 3.64 [3.50, 3.75] instances for 4." in words(text)
    assert "Not tried: one instance less: there is only one." in words(text)


def test_a_search_that_was_interrupted_has_a_page(tmp_path):
    assert run(interrupted_at(small_settings(tmp_path, "driver.batch=12"), 40)) == EXIT_INTERRUPTED
    text = (tmp_path / PAGE).read_text()
    assert "Interrupted: nothing is proved" in words(text)
    assert Elements(text).sections == ["trust", "change", "search", "origin"]


def test_a_search_that_failed_has_a_page(tmp_path):
    assert run(without_candidates(small_settings(tmp_path, "driver.budget=20"))) == EXIT_FAILURE
    text = (tmp_path / PAGE).read_text()
    assert "No candidate of the search has a score." in words(text)
    assert Elements(text).sections == ["trust", "search", "origin"]


@pytest.mark.slow
def test_a_search_on_a_trace_has_a_page(tmp_path, monkeypatch):
    monkeypatch.setattr("search.__main__.write_overview", lambda *arguments: None)
    path = write_mooncake(tmp_path / "trace.jsonl", random_mooncake_rows(seed=8, n=600, gap_ms=200))
    own = ("workload=trace", f"workload.path={path}", "workload.first=600", "workload.windows.warmup_s=3")
    assert run(small_settings(tmp_path / "run", *own, "driver.budget=20")) == EXIT_OK
    text = (tmp_path / "run" / PAGE).read_text()
    verdict = json.loads((tmp_path / "run" / "verdict.json").read_text())
    assert verdict["sentence"] in words(text)
    assert {"proof", "requests"} <= set(Elements(text).sections)
    assert f"start_s {verdict['pools']['report']['start_s']}" in words(text)


def test_a_search_for_compromises_shows_its_front(tmp_path, monkeypatch):
    monkeypatch.setattr("search.__main__.write_overview", lambda *arguments: None)
    settings = small_settings(tmp_path, "driver=deap_nsga2", "driver.budget=20")
    assert run(settings) == EXIT_OK
    members = len((tmp_path / "pareto.csv").read_text().splitlines()) - 1
    assert f"{members} candidates that no other beats in every objective" in words((tmp_path / PAGE).read_text())


def test_a_page_that_cannot_be_made_costs_nothing_else(tmp_path, monkeypatch, capsys):
    def full(path, text):
        if path.name == PAGE:
            raise ValueError("no such font")
        write_text(path, text)

    monkeypatch.setattr("search.report.page.write_text", full)
    monkeypatch.setattr("search.__main__.write_overview", lambda *arguments: None)
    assert run(small_settings(tmp_path, "driver.budget=20")) == EXIT_OK
    assert capsys.readouterr().err.endswith("warning: report.html is not made: ValueError: no such font\n")
    assert not (tmp_path / PAGE).exists()
