import numpy as np
import pytest

from blis.cli.main import main as blis
from blis.errors import InputError
from blis.workload.draw.generate import generate
from blis.workload.draw.servegen import ServeGenData
from blis.workload.draw.spec import load_spec, spec_mapping
from tests.blis.workload.draw.test_spec import CLIENTS
from tests.blis.workload.read.test_servegen import EARLY, LATE, chunk
from tests.places import CONF


@pytest.fixture
def data(tmp_path):
    chunk(tmp_path, 1, ["100,5,1,", "200,20,2.0,Gamma", "300,20,0,Gamma"], {"0": EARLY, "200": LATE})
    chunk(tmp_path, 2, ["100,10,1.2,Weibull"], {"0": LATE})
    return {"servegen_data": {"path": str(tmp_path)}}


def test_rates_and_lengths_change_as_the_data_say(data):
    """The whole span, from its own start on, without a rate or an end being given."""
    table = generate(load_spec(data), 1)
    client = np.array(table.tenant_names)[table.tenant]
    first = table.arrival_us[client == "chunk-1"] / 1e6
    np.testing.assert_allclose(np.histogram(first, [0, 100, 200, 300, 9999])[0], [500, 2000, 2000, 0], rtol=0.15)
    assert (client == "chunk-2").sum() == pytest.approx(6000, rel=0.06)  # a row alone lasts 600 s
    early = (client == "chunk-1") & (table.arrival_us < 100e6)
    assert set(table.input_tokens[early].tolist()) == {10, 20}
    assert set(table.input_tokens[~early].tolist()) == {1000, 2000}


def test_an_aggregate_rate_rescales_the_mean(data):
    assert load_spec(data).aggregate_rate == pytest.approx((500 + 2000 + 2000 + 6000) / 600)
    twice = load_spec(data | {"aggregate_rate": 35})
    assert len(generate(twice, 1)) == pytest.approx(21_000, rel=0.05)


def test_processes_that_the_data_leave_open_are_poisson(data):
    arrivals = {one.id: (one.arrival.process, one.arrival.cv) for one in load_spec(data).listed_clients}
    assert arrivals == {
        "servegen-chunk-1@100": ("poisson", None),
        "servegen-chunk-1@200": ("gamma", 2),
        "servegen-chunk-1@300": ("poisson", None),
        "servegen-chunk-2@100": ("weibull", 1.2),
    }


def test_what_was_left_out_or_replaced_is_said(data, tmp_path, capsys):
    """In lines of warnings of `blis run`, and by `blis validate`."""
    path = tmp_path / "data"
    chunk(path, 1, ["start,rate,cv,pattern", "0,5,99,Gamma", "600,5,2,Gamma", "1200,2,1,Pareto"], {"0": EARLY})
    spec = load_spec({"servegen_data": {"path": str(path)}})
    lines, windows = spec.notes
    assert lines == f"{path}: lines of traces that are no rows, left out: 1"
    assert windows == f"{path}: windows of a process or a cv that cannot be drawn, poisson instead: 2"
    assert load_spec(data).notes == (
        f"{tmp_path}: windows of a process or a cv that cannot be drawn, poisson instead: 1",
    )
    file = tmp_path / "spec.yaml"
    file.write_text(f"num_requests: 9\nservegen_data: {{path: {path}}}\n")
    assert blis(["validate", str(file)]) == 0
    assert blis(["run", "--config", str(CONF / "cluster" / "h100x4.yaml"), "--workload-spec", str(file)]) == 0
    said = capsys.readouterr()
    assert lines in said.out and lines in said.err and windows in said.err


def test_what_is_written_names_the_data_and_not_their_rows(data):
    spec = load_spec(data)
    assert "clients" not in spec_mapping(spec)
    assert load_spec(spec_mapping(spec)) == spec


def test_a_digest_is_of_the_content(data, tmp_path):
    before = ServeGenData(str(tmp_path)).digest
    chunk(tmp_path, 2, ["100,11,1.2,Weibull"], {"0": LATE})
    assert ServeGenData(str(tmp_path)).digest != before


def test_a_span_starts_at_its_start(data):
    data["servegen_data"] |= {"span_start": 150, "span_end": 250}
    times = generate(load_spec(data), 1).arrival_us / 1e6
    assert times.min() >= 50 and times.max() < 100
    assert len(times) == pytest.approx(1000, rel=0.2)


def test_clients_beside_the_data_are_refused(data):
    with pytest.raises(InputError, match="must be given, got both"):
        load_spec(data | {"clients": CLIENTS["clients"]})
