"""The command line: what it composes, and one clear line for whatever is wrong."""

import copy
import re
import signal
import sys

import pytest

from blis.errors import EngineError, InputError
from search.application import EXIT_FAILURE, EXIT_INPUT, EXIT_INTERRUPTED, EXIT_OK, compose_settings, launch
from search.identity import run_id
from search.running.checkpoint import begin
from search.settings import make_settings
from tests.places import CONF
from tests.search.small import set_key, small_settings


@pytest.fixture
def command(monkeypatch, tmp_path, capfd):
    """Runs `python -m search <arguments>` with a job of the test's; gives exit code, stdout, stderr."""

    def run(*arguments, job=lambda settings: EXIT_OK):
        folder = tmp_path / "run"
        where = [f"hydra.sweep.dir={folder}"] if {"-m", "--multirun"} & {*arguments} else [f"hydra.run.dir={folder}"]
        monkeypatch.setattr(sys, "argv", ["search", *arguments, *where])
        monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
        code = launch(job)
        return code, *capfd.readouterr()

    return run


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("sed=2", "unknown key 'sed' (did you mean 'seed'?)"),
        ("driver.budgt=2", "unknown key 'driver.budgt' (did you mean 'driver.budget'?)"),
        ("driver=deap", "Could not find 'driver/deap' Available options in 'driver': cmaes deap_ga"),
        ("drver=random", "unknown key 'drver' (did you mean 'driver'?)"),
        ("driver.budget=[", "no viable alternative"),
        ("driver.budget=many", "driver.budget must be a whole number, got 'many'"),
        ("seed=${nothing}", "'nothing' not found"),
        ("+extra=1", "unknown key 'extra'"),
        ("fitness.classes.batch.itl_p99_us=9", "is added with '+fitness.classes.batch.itl_p99_us=...'"),
        ("+fitness.classes.gold={ttft_us: 1, tpot_us: 1}", "missing key fitness.classes.gold.weight"),
        ("+fitness.classes.batch.name=gold", "fitness.classes.batch: unknown key 'name'"),
        ("~seed", "missing key seed"),
        ("validation.simplicity_loss=0.01", "(did you mean 'validation.simplicity_share'?)"),
    ],
)
def test_one_line_on_stderr_exit_2_and_no_run_folder(command, tmp_path, argument, message):
    code, out, err = command(argument)
    assert message in err
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    assert (code, out) == (EXIT_INPUT, "")
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def composed():
    return compose_settings([]).config


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("driver.budget", 0, "driver.budget must be in [1, 1e+08], got 0"),
        ("driver.budget", 7, "driver.budget must be above the 11 baselines, got 7"),
        ("driver.batch", 0, "driver.batch must be in [1, 1e+06], got 0"),
        ("driver.seconds", -1, "driver.seconds must be > 0, got -1"),
        ("driver.race", {"error": 0, "band": 0}, "driver.race.error must be > 0, got 0"),
        ("driver.race", {"error": 0.6, "band": 0}, "driver.race.error must be in (0, 0.5], got 0.6"),
        ("driver.race", {"error": 0.1, "band": -1}, "driver.race.band must be >= 0, got -1"),
        ("driver.race", {"error": 0.1, "bend": 0}, "driver.race: unknown key 'bend' (did you mean 'band'?)"),
        ("driver.options.tournament", 0, "driver.options.tournament must be in [1, 1e+06]"),
        ("seed", -1, "seed must be >= 0, got -1"),
        ("seed", None, "seed must be a whole number, got nothing"),
        ("parallel.n_jobs", 0, "parallel.n_jobs must be -1 (one per core) or a whole number above 0, got 0"),
        ("parallel.backend", "thread", "unknown parallel.backend 'thread' (did you mean"),
        ("primary", "llmd-default", "unknown primary 'llmd-default' (did you mean 'llm-d-default'?)"),
        ("baselines", ["llm-d-defualt"], "unknown baseline 'llm-d-defualt' (did you mean 'llm-d-default'?)"),
        ("baselines", ["llm-d-default", "nowhere/x.yaml"], "nowhere/x.yaml: No such file"),
        ("baselines", ["llm-d-default", "llm-d-default"], "baselines: two have the same name"),
        ("cluster.instance.batch.max_running", 0, "batch.max_running must be in [1,"),
        ("workload.aggregate_rate", -3.0, "aggregate_rate must be > 0, got -3"),
        ("workload.rate_scale", 0.0, "workload.rate_scale must be > 0, got 0"),
        ("workload.first", 0, "workload.first must be in [1,"),
        ("fitness.kind", "relativ", "unknown fitness.kind 'relativ' (did you mean 'relative'?)"),
        ("search_space.engine.max_running.low", 600, "low <= high must hold, got low 600 and high 512"),
        ("validation.report_seeds", 1, "validation.report_seeds must be in [2, 10000], got 1"),
        ("validation.shift_seeds", 1, "validation.shift_seeds must be in [2, 10000], got 1"),
        ("validation.simplicity_share", 1.5, "validation.simplicity_share must be in [0, 1], got 1.5"),
        ("validation.robust", 3, "validation.robust must be true or false, got 3"),
        ("shifts", ["rate x1.3"], "unknown shifts 'rate x1.3'"),
        ("fitness.robust", "wurst", "unknown fitness.robust 'wurst' (did you mean 'worst'?)"),
        ("validation.random_policies", 10**9, "validation.random_policies must be in [0, 10000]"),
        ("parallel.n_jobs", 10**9, "parallel.n_jobs must be in [-1, 4096]"),
        ("driver.options.population", 10**9, "driver.options.population must be in [2, 1e+06]"),
        ("seed", 10**400, "seed is too large"),
        ("workload.first", 10**12, "workload.first must be in [1,"),
        ("workload.rate_scale", 10**400, "workload.rate_scale is too large"),
        ("cluster.instance.latency_model.ensemble", -1, "latency_model.ensemble must be"),
        ("cluster.instance.latency_model.factor", 0.05, "; allow_implausible: true searches all the same"),
    ],
)
def test_wrong_values_are_refused_with_their_key(composed, tmp_path, key, value, message):
    mapping = copy.deepcopy(dict(composed))
    set_key(mapping, key, value)
    with pytest.raises(InputError) as error:
        make_settings(mapping, tmp_path)
    assert message in str(error.value)


def test_seeds_of_one_name_are_told_apart(tmp_path):
    paths = [tmp_path / folder / "best_policy.yaml" for folder in ("one", "two")]
    for path in paths:
        path.parent.mkdir()
        path.write_text((CONF / "policy" / "lmetric.yaml").read_text())
    found = small_settings(tmp_path, f"seeds=[{paths[0]}, {paths[1]}, lmetric]")
    assert list(found.seeds) == ["best_policy", "best_policy-2", "lmetric-2"]
    assert {policy.id for policy in found.seeds.values()} == {found.baselines["lmetric"].id}


def test_a_seed_that_does_not_fit_the_scenario_is_refused_by_its_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("routing: {policy: round-robin, picker: weighted-random}\n")
    with pytest.raises(InputError, match=re.escape(f"seeds: {path}: ")):
        small_settings(tmp_path, f"seeds=[{path}]")


def test_the_budget_leaves_room_beside_baselines_and_seeds(tmp_path):
    with pytest.raises(InputError, match=r"driver\.budget must be above the 13 baselines and seeds, got 13"):
        small_settings(tmp_path, "seeds=[lmetric, llm-d-default]", "driver.budget=13")


def test_an_implausible_latency_model_is_searched_where_that_is_allowed(tmp_path):
    fast = "cluster.instance.latency_model.factor=0.05"
    found = small_settings(tmp_path, fast, "cluster.instance.latency_model.allow_implausible=true")
    assert found.problem.scenario.instance.latency_model.factor == 0.05


def test_an_implausible_latency_model_is_refused_in_one_line(command):
    code, out, err = command("+cluster.instance.latency_model.factor=0.05")
    assert (code, out) == (EXIT_INPUT, "") and err.startswith("error: cluster: latency_model: a step")
    assert "at their peaks need" in err and err.endswith("allow_implausible: true searches all the same\n")


def test_an_input_error_of_the_job_is_reported_alike(command, tmp_path):
    def job(settings):
        raise InputError("requests.csv: line 3: arrival_us must be >= 0")

    code, out, err = command(job=job)
    assert (code, out, err) == (EXIT_INPUT, "", "error: requests.csv: line 3: arrival_us must be >= 0\n")
    assert not (tmp_path / "run").exists()


def test_a_broken_law_is_one_line_too(command):
    def job(settings):
        raise EngineError("policy abc has no score on seed 1: guard: time went back")

    code, _, err = command(job=job)
    assert (code, err) == (EXIT_FAILURE, "error: policy abc has no score on seed 1: guard: time went back\n")


def test_too_little_memory_is_one_line(command):
    def job(settings):
        raise MemoryError

    code, _, err = command(job=job)
    assert (code, err) == (EXIT_FAILURE, "error: a search of this size does not fit in memory\n")


def test_hydra_says_nothing_on_stdout(command):
    code, out, err = command()
    assert (code, out, err) == (EXIT_OK, "", "")


def test_multirun_runs_a_job_for_every_combination(command):
    seen = []
    code, out, _ = command("-m", "seed=1,2", "driver=deap_ga,random", job=lambda s: seen.append(s) or EXIT_OK)
    assert (code, out) == (EXIT_OK, "")
    assert [(s.seed, s.driver.name) for s in seen] == [(1, "deap_ga"), (1, "random"), (2, "deap_ga"), (2, "random")]
    assert len({s.run_dir for s in seen}) == 4


def test_no_file_of_a_multirun_has_a_secret(command, tmp_path):
    uri = "tracking.uri=http://me:open-sesame@host"
    told = []
    assert command("-m", "seed=1,2", uri, job=lambda s: told.append(s.overrides) or EXIT_OK)[0] == EXIT_OK
    assert told == [("seed=1",), ("seed=2",)]
    texts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert texts and not [text for text in texts if "sesame" in text]


@pytest.mark.parametrize(("option", "where"), [("-m", 0), ("--multirun", 1)])
def test_multirun_may_be_asked_for_anywhere(command, option, where):
    arguments, seen = ["driver=deap_ga,random", "driver.budget=48"], []
    arguments.insert(where, option)
    assert command(*arguments, "seed=2", job=lambda s: seen.append(s) or EXIT_OK)[0] == EXIT_OK
    assert [(s.driver.name, s.driver.budget, s.seed) for s in seen] == [("deap_ga", 48, 2), ("random", 48, 2)]


def test_multirun_goes_on_after_wrong_input_and_stops_when_interrupted(command):
    seen = []
    code, _, err = command("-m", "seed=1,-1,2", job=lambda s: seen.append(s.seed) or EXIT_OK)
    assert (code, seen) == (EXIT_INPUT, [1, 2])
    assert err == "error: seed must be >= 0, got -1\n"
    seen.clear()
    code, _, _ = command("-m", "seed=1,2", job=lambda s: seen.append(s.seed) or EXIT_INTERRUPTED)
    assert (code, seen) == (EXIT_INTERRUPTED, [1])


def test_a_folder_that_cannot_be_resumed_is_one_line(command, tmp_path):
    code, _, err = command(f"resume={tmp_path}", job=lambda settings: begin(settings) and EXIT_OK)
    assert (code, err) == (
        EXIT_INPUT,
        f"error: resume: {tmp_path} has no checkpoint: no generation of a search was finished there\n",
    )
    assert not (tmp_path / "run").exists()


def test_an_occupied_folder_is_refused_and_left_as_it_is(command, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "verdict.json").write_text("mine")
    for arguments in ((), ("-m", "hydra.sweep.subdir=.")):
        code, out, err = command(*arguments)
        folder = tmp_path / "run"
        assert (code, out) == (EXIT_INPUT, "")
        assert err == f"error: {folder} belongs to an earlier search; to go on with it: resume={folder}\n"
    assert (tmp_path / "run" / "verdict.json").read_text() == "mine"


def test_searches_of_one_second_have_a_folder_each(command, monkeypatch):
    """Where nobody named one, a taken folder is left to its search."""
    monkeypatch.setattr("search.application.FOLDER_KEYS", ())
    folders = []

    def job(settings):
        folders.append(settings.run_dir.name)
        (settings.run_dir / "verdict.json").write_text("")
        return EXIT_OK

    assert command("-m", "seed=1,2,3", "hydra.sweep.subdir=19-02-51", job=job)[0] == EXIT_OK
    assert folders == ["19-02-51", "19-02-51-2", "19-02-51-3"]


@pytest.mark.parametrize("place", ["file", "file/run"])
def test_a_run_folder_that_cannot_be_is_one_line(monkeypatch, tmp_path, capfd, place):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(sys, "argv", ["search", f"hydra.run.dir={tmp_path / place}"])
    assert launch(lambda settings: EXIT_OK) == EXIT_INPUT
    out, err = capfd.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert err.startswith(f"error: {tmp_path}/file")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_the_system_may_end_a_search_like_ctrl_c(command, name):
    number, usual = getattr(signal, name), signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL

    def job(settings):
        signal.raise_signal(number)
        raise AssertionError("nothing happened")

    before = signal.signal(number, usual)  # where tests run, it may be ignored
    try:
        assert command(job=job) == (EXIT_INTERRUPTED, "", "")
        assert signal.getsignal(number) == usual
    finally:
        signal.signal(number, before)


def test_what_the_user_wants_ignored_stays_so(command):
    """As `nohup` does."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert command(job=lambda settings: signal.raise_signal(signal.SIGHUP) or EXIT_OK)[0] == EXIT_OK
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_configuration_can_be_printed(command):
    code, out, _ = command("--cfg", "job", job=None)
    assert code == EXIT_OK
    assert "budget: 480" in out


def test_workload_keys_are_folded_into_the_specification(tmp_path):
    plain = compose_settings([]).problem.workload
    changed = compose_settings(["workload.rate_scale=1.5", "workload.first=123"]).problem.workload
    assert (changed.aggregate_rate, changed.num_requests) == (1.5 * plain.aggregate_rate, 123)
    assert changed.population == plain.population


def test_tables_follow_the_workloads_seed_and_not_the_runs(tmp_path):
    one, other = compose_settings(["seed=1"]), compose_settings(["seed=2"])
    fresh = compose_settings(["workload.seed=5"])
    assert one.problem.search_seeds == other.problem.search_seeds != fresh.problem.search_seeds
    pools = [one.pool(name, 32) for name in ("pool/search", "pool/selection", "pool/report")]
    assert len({seed for pool in pools for seed in pool}) == 96


def test_a_baseline_may_be_a_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("routing: {policy: least-loaded}\n")
    settings = small_settings(tmp_path, f"baselines=[llm-d-default,{path}]")
    assert list(settings.baselines) == ["llm-d-default", "mine"]


def test_the_primary_may_be_a_file_and_then_is_a_baseline(tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text("routing: {policy: least-loaded}\n")
    monkeypatch.chdir(tmp_path)
    settings = small_settings(tmp_path, "primary=mine.yaml")
    assert settings.primary == next(iter(settings.baselines)) == "mine"
    assert settings.problem.baseline.routing.policy == "least-loaded"
    listed = small_settings(tmp_path, "primary=mine.yaml", f"baselines=[llm-d-default,{tmp_path / 'mine.yaml'}]")
    assert (listed.primary, list(listed.baselines)) == ("mine", ["llm-d-default", "mine"])
    assert run_id(listed) == run_id(small_settings(tmp_path, "primary=mine", "baselines=[llm-d-default,mine.yaml]"))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["vary=[routing.scorers]"], "search_space.from and vary go together"),
        (["search_space.from=llm-d-default"], "search_space.from and vary go together"),
        (
            ["search_space.from=lmetric", "vary=[routing.scorers]"],
            "search_space.from must be the primary baseline, 'llm-d-default', got 'lmetric'",
        ),
        (["search_space.from=llm-d-default", "vary=[routing.scorer]"], "unknown key in vary 'routing.scorer'"),
    ],
)
def test_a_search_starts_from_the_primary_or_from_nothing(tmp_path, overrides, message):
    with pytest.raises(InputError) as error:
        small_settings(tmp_path, *overrides)
    assert message in str(error.value)


def test_a_search_from_nothing_is_what_it_was(tmp_path):
    config = small_settings(tmp_path).config
    assert "vary" not in config
    assert "from" not in config["search_space"]


def test_the_number_of_requests_is_obeyed_whatever_the_experiment():
    quick = "experiment=quickstart"
    for overrides, number in (([quick], 1000), ([quick, "workload.num_requests=2000"], 2000), ([], 4000)):
        assert compose_settings(overrides).problem.workload.num_requests == number


def test_a_trace_takes_the_number_as_well_and_is_found_from_everywhere(tmp_path, monkeypatch):
    rows = "".join(f"{second},9,9\n" for second in range(2000))
    (tmp_path / "t.csv").write_text("arrived_at,num_prefill_tokens,num_decode_tokens\n" + rows)
    monkeypatch.chdir(tmp_path)
    settings = compose_settings(["experiment=quickstart", "workload=trace", "workload.path=t.csv"])
    spec = settings.problem.traffic.spec
    assert (spec.path, spec.first) == (str(tmp_path / "t.csv"), 1000)
    assert settings.problem.mapping()["workload"]["path"] == settings.config["workload"]["path"] == spec.path


def test_an_slo_class_more_is_one_override():
    gold = "+fitness.classes.gold={ttft_us: 300000, tpot_us: 20000, weight: 0.25}"
    classes = {one.name: one for one in compose_settings([gold]).problem.fitness.classes}
    assert list(classes) == ["critical", "standard", "batch", "gold"]
    assert (classes["gold"].ttft_us, classes["gold"].weight, classes["critical"].weight) == (300_000, 0.2, 0.32)
