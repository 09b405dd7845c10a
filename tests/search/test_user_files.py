"""Files of the user's wherever a name of conf/ may stand."""

import pytest

from blis.errors import InputError
from blis.yaml_strict import dump_yaml, load_mapping
from search.application import compose_settings
from tests.places import CONF


@pytest.fixture
def cluster(tmp_path):
    mapping = load_mapping(CONF / "cluster" / "h100x4.yaml")
    mapping["cluster"]["instances"] = 7
    dump_yaml(mapping, tmp_path / "h100x4.yaml")  # the name of another one in conf/
    return tmp_path / "h100x4.yaml"


def instances(*overrides):
    return compose_settings(overrides).problem.scenario.cluster.instances


def test_a_cluster_by_its_path(cluster, monkeypatch):
    assert instances(f"cluster={cluster}") == 7
    assert instances(f"cluster={cluster}", "cluster.cluster.instances=9") == 9
    monkeypatch.chdir(cluster.parent)
    assert instances("cluster=./h100x4.yaml") == 7
    assert instances("cluster=h100x4") == 4


def test_a_home_folder(cluster, monkeypatch):
    monkeypatch.setenv("HOME", str(cluster.parent))
    assert instances('cluster="~/h100x4.yaml"') == 7


def test_a_workload_and_an_experiment_by_their_paths(tmp_path, cluster):
    mapping = load_mapping(CONF / "workload" / "chat_prefix.yaml") | {"num_requests": 77}
    dump_yaml(mapping, tmp_path / "w.yaml")
    (tmp_path / "e.yaml").write_text(f"# @package _global_\ndefaults:\n  - override /cluster: {cluster}\nseed: 5\n")
    settings = compose_settings([f"workload={tmp_path / 'w.yaml'}", f"experiment={tmp_path / 'e.yaml'}"])
    assert settings.problem.workload.num_requests == 77
    assert (settings.seed, settings.problem.scenario.cluster.instances) == (5, 7)


def test_a_run_folders_scenario_is_a_cluster(tmp_path):
    settings = compose_settings([])
    dump_yaml(settings.problem.mapping(), tmp_path / "scenario.yaml")
    assert compose_settings([f"cluster={tmp_path / 'scenario.yaml'}"]).problem.scenario == settings.problem.scenario


@pytest.mark.parametrize(
    ("override", "text", "message"),
    [
        ("cluster=x.yaml", None, "x.yaml: No such file or directory"),
        ("cluster=sub/x.yml", None, "sub/x.yml: No such file or directory"),
        ("cluster=x.yaml", "a: 1\na: 2\n", "x.yaml: line 2: duplicate key 'a'"),
        ("cluster=x.yaml", "- 1\n", "x.yaml must be a mapping"),
        ("workload=t.jsonl", "", "a trace is given as workload=trace workload.path="),
        ("cluster=./mine", "", "cluster=./mine: a file that is chosen must be YAML"),
    ],
)
def test_mistakes(tmp_path, monkeypatch, override, text, message):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / override.partition("=")[2]).write_text(text)
    with pytest.raises(InputError) as error:
        compose_settings([override])
    assert message in str(error.value) and len(str(error.value).splitlines()) == 1
