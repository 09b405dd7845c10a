"""Arguments of vLLM: into a bundle, and out of one."""

from random import Random

import pytest

from blis.deploy.notes import Notes
from blis.deploy.vllm import export_vllm, import_vllm
from blis.errors import InputError
from blis.policies.bundle import load_bundle
from blis.yaml_strict import dump_yaml
from tests.blis.deploy.random_bundles import engine_part

CONFIG = "max-num-seqs: 64\nmax_num_batched_tokens: 4096\nscheduling-policy: priority\n"
LINE = "vllm serve some/model --max-num-seqs=64 \\\n  --max-num-batched-tokens 4096 --scheduling-policy priority # x\n"


@pytest.fixture
def imported(tmp_path):
    """The bundle and the remarks that come of a file's text."""

    def read(text):
        path, notes = tmp_path / "serve", Notes()
        path.write_text(text)
        return load_bundle(import_vllm(path, notes)), notes

    return read


@pytest.mark.parametrize("text", [CONFIG, LINE])
def test_a_file_and_a_command_line_say_the_same(imported, text):
    bundle, _ = imported(text)
    assert (bundle.engine.max_running, bundle.engine.max_scheduled_tokens) == (64, 4096)
    assert bundle.engine.long_prefill_threshold is None
    assert (bundle.scheduler, bundle.preemption) == ("priority-fcfs", "priority")
    assert (bundle.priority.policy, bundle.priority.parameters) == ("class-age", {"age_per_s": 0})


@pytest.mark.parametrize(
    ("text", "tokens"), [("8192", 8192), ("8k", 8000), ("8K", 8192), ("25.6k", 25_600), ("1m", 1_000_000)]
)
def test_tokens_may_have_a_suffix(imported, text, tokens):
    bundle, _ = imported(f"max-num-batched-tokens: {text}\n")
    assert bundle.engine.max_scheduled_tokens == tokens


@pytest.mark.parametrize("text", ["--max-num-active-seqs 16", "--max-num-seqs 64 --max-num-active-seqs 16"])
def test_requests_that_run_may_be_fewer_than_there_is_room_for(imported, text):
    bundle, notes = imported(text)
    assert bundle.engine.max_running == 16
    assert not any(note.startswith(("max-num-seqs", "max-num-active-seqs")) for note in notes)


def test_whether_a_prompt_must_fit_as_a_whole_is_the_scenarios(imported):
    _, notes = imported("--no-scheduler-reserve-full-isl")
    assert notes[0].startswith("scheduler-reserve-full-isl False: set instance.engine.reserve_full_prompt in the scen")


def test_what_is_not_given_is_the_scenarios(imported):
    _, notes = imported(CONFIG)
    assert len(notes) == 1
    assert notes[0].startswith("long-prefill-token-threshold: not given, so that the scenario's own holds")


def test_what_a_scenario_has_and_what_changes_nothing(imported):
    _, notes = imported(CONFIG + "block-size: 32\ndisable-log-requests: true\nlong-prefill-token-threshold: 0\n")
    assert notes == [
        "block-size 32: set instance.kv.block_size_tokens in the scenario, a bundle does not have it",
        "disable-log-requests: not looked at, no bundle has it",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max-num-seq: 3\n", "line 1: max-num-seq: unknown argument 'max-num-seq' (did you mean 'max-num-seqs'?)"),
        ("max-num-seqs: many\n", "line 1: max-num-seqs: "),
        ("max-num-seqs: 0\n", "line 1: max-num-seqs: it must be in [1, "),
        ("max-num-seqs: 1k\n", "line 1: max-num-seqs: '1k' is not a whole number"),
        ("max-num-batched-tokens: 8.5K\n", "line 1: max-num-batched-tokens: '8.5K' is not a whole number"),
        ("--max-num-b 5", "max-num-b: unknown argument 'max-num-b' (did you mean 'max-num-batched-tokens'?)"),
        ("-pp 2", "pipeline-parallel-size: '2' cannot be simulated; the nearest is pipeline-parallel-size 1"),
        ("--scheduler-cls my.Own", "scheduler-cls: 'my.Own' cannot be simulated"),
        ("--max-num-queued-reqs 9", "max-num-queued-reqs: '9' cannot be simulated"),
        ("scheduling-policy: sjf\n", "unknown scheduling policy 'sjf'"),
        ("scheduling-policy: [fcfs]\n", "unknown scheduling policy ['fcfs']"),
        ("enable-prefix-caching: false\n", "False cannot be simulated; the nearest is enable-prefix-caching true"),
        ("--no-enable-prefix-caching", "enable-prefix-caching: False cannot be simulated"),
        ("--speculative-config '{}'", "it must be a mapping with num_speculative_tokens in [0, 64], got '{}'"),
        ("--speculative-config 5", "it must be a mapping with num_speculative_tokens"),
        ("speculative-config: {num_speculative_tokens: 99}\n", "line 1: speculative-config: it must be a mapping with"),
        ("--max-num-seqs 'open", "not a command line"),
    ],
)
def test_what_is_wrong_or_cannot_be_simulated(imported, text, message):
    with pytest.raises(InputError) as error:
        imported(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "speculative-config: {method: ngram, num_speculative_tokens: 3}\n",
        'vllm serve m --speculative-config \'{"method": "eagle3", "num_speculative_tokens": 3}\'',
        "vllm serve m --speculative-config.num_speculative_tokens 3",
    ],
)
def test_how_many_tokens_are_guessed_is_the_policys_and_who_guesses_is_not(imported, text):
    bundle, notes = imported(text)
    assert bundle.engine.speculative_tokens == 3
    assert "speculative-config: what the drafts are worth stands in the scenario, instance.drafter" in notes
    said = Notes()
    assert export_vllm(bundle, said) == {}
    assert said == ["engine.speculative_tokens 3: set num_speculative_tokens of your own speculative-config to it"]


def test_random_engines_come_back_as_they_were(tmp_path):
    rng = Random(5)
    for _ in range(200):
        bundle = load_bundle(engine_part(rng))
        dump_yaml(export_vllm(bundle, Notes()), tmp_path / "serve.yaml")
        assert load_bundle(import_vllm(tmp_path / "serve.yaml", Notes())) == bundle


@pytest.mark.parametrize(
    ("bundle", "message"),
    [
        ({"scheduler": "sjf"}, "scheduler 'sjf' has no counterpart in vLLM; the nearest is 'fcfs'"),
        ({"scheduler": "fcfs", "preemption": "priority"}, "preemption 'priority' has no counterpart beside scheduler"),
        ({"scheduler": "priority-fcfs"}, "preemption 'tail' has no counterpart beside scheduler 'priority-fcfs'"),
        (
            {"scheduler": "priority-fcfs", "preemption": "priority", "priority": {"policy": "class-age"}},
            "priority.policy 'class-age' has no counterpart in vLLM, where priorities do not change",
        ),
        (
            {"engine": {"max_running": 512, "max_scheduled_tokens": 256}},
            "engine.max_scheduled_tokens 256 is below engine.max_running 512",
        ),
    ],
)
def test_what_vllm_has_not(bundle, message):
    with pytest.raises(InputError) as error:
        export_vllm(load_bundle(bundle), Notes())
    assert message in str(error.value)


def test_priorities_come_with_requests():
    bundle = load_bundle(
        {
            "scheduler": "priority-fcfs",
            "preemption": "priority",
            "priority": {"policy": "class-age", "parameters": {"age_per_s": 0}},
        }
    )
    notes = Notes()
    assert export_vllm(bundle, notes) == {"scheduling-policy": "priority"}
    assert "each request must carry `priority`" in notes[0]
