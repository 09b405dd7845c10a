"""Keys without effect where they stand: each is refused by its place."""

import copy

import pytest

from blis.errors import InputError
from blis.workload.draw.compose import composed
from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec, spec_mapping

LENGTHS = {"type": "constant", "params": {"value": 9}}
BINS = {"type": "empirical", "params": {"9": 1, "90": 1}}
TALKS = {"multi_turn": {"max_rounds": 2}}
STEADY = {"stages": [{"duration_s": 60, "factor": 1}]}
BURSTS = {"stages": [{"duration_s": 60, "factor": 1, "cv_factor": 2}]}


def client(**changes):
    plain = {"arrival": {"process": "poisson"}, "input_distribution": BINS, "output_distribution": BINS}
    return {"rate_fraction": 1, **plain, **changes}


def population(**changes):
    return {
        "tenants": {"count": 2},
        "classes": {"a": 1},
        **{k: v for k, v in client().items() if k[:4] != "rate"},
        **changes,
    }


def spec(*clients, **changes):
    return {"aggregate_rate": 1, "num_requests": 9, "clients": list(clients), **changes}


def drawn(**params):
    return {"type": "empirical", "params": params}


WITHOUT = {
    "clients[0].arrival: cv is for gamma and weibull; process poisson": client(arrival={"process": "poisson", "cv": 2}),
    "clients[0].arrival: cv is for gamma and weibull; process constant": client(
        arrival={"process": "constant", "cv": 1}
    ),
    "clients[0].arrival: cv is for gamma and weibull; process recorded": client(
        arrival={"process": "recorded", "times": [1, 2], "cv": 1}
    ),
    "clients[0].arrival: times are for process recorded": client(arrival={"process": "gamma", "times": [1, 2]}),
    "clients[0].closed_loop: needs reasoning.multi_turn": client(closed_loop=True),
    "clients[0].closed_loop: needs ": client(closed_loop=False, reasoning={"reason_ratio_distribution": LENGTHS}),
    "clients[0].rate_over_time: stages, diurnal or spikes must be given": client(rate_over_time={"spikes": []}),
    "clients[0].rate_over_time.stages[0].cv_factor: process poisson has no cv": client(rate_over_time=BURSTS),
    "clients[0].rate_over_time: spikes[0].start_s: 60, but the stages end at 60 s": client(
        rate_over_time=STEADY | {"spikes": [{"start_s": 60, "duration_s": 1, "factor": 2}]}
    ),
    "clients[0].reasoning: reason_ratio_distribution or multi_turn must be given": client(reasoning={}),
    "clients[0].reasoning.multi_turn: think_time_us and think_time_distribution": client(
        reasoning={"multi_turn": {"max_rounds": 2, "think_time_us": 0, "think_time_distribution": LENGTHS}}
    ),
    "clients[0].multimodal: at least one of text_distribution": client(multimodal={}),
    "clients[0]: prefix_length needs a prefix_group": client(prefix_length=5),
    "clients[0]: length_coupling: both lengths must be empirical": client(
        length_coupling=[[1, 2], [2, 1]], multimodal={"text_distribution": LENGTHS}
    ),
    "clients[0]: length_coupling: one part goes with all": client(length_coupling=[[1]]),
    "clients[0]: length_coupling: column 0 has 0.75 times": client(length_coupling=[[0, 1], [3, 1]]),
    # values that would count as others
    "clients[0].output_distribution: params.value must be a whole number, got 1.5": client(
        output_distribution={"type": "constant", "params": {"value": 1.5}}
    ),
    "clients[0].output_distribution: params.min must be a whole number, got 2.5": client(
        output_distribution={"type": "exponential", "params": {"mean": 9, "min": 2.5}}
    ),
    "clients[0].output_distribution: params: the key 0 must be in [1, ": client(output_distribution=drawn(**{"0": 1})),
    "clients[0].reasoning.reason_ratio_distribution: params.value must be in [0, 100], got 200": client(
        reasoning={"reason_ratio_distribution": {"type": "constant", "params": {"value": 200}}}
    ),
    "clients[0].reasoning.reason_ratio_distribution: params: the key 101 must be in [0, 100]": client(
        reasoning={"reason_ratio_distribution": drawn(**{"101": 1})}
    ),
    "clients[0].network: bandwidth_mbps must be > 0": client(network={"bandwidth_mbps": 0}),
}


@pytest.mark.parametrize("line", WITHOUT)
def test_a_key_of_a_client_without_effect_is_refused_by_its_place(line):
    load_spec(spec(client()))
    with pytest.raises(InputError) as info:
        load_spec(spec(WITHOUT[line]))
    assert str(info.value).startswith(line) and len(str(info.value).splitlines()) == 1


OF_ALL = {
    "rate_over_time: all who send have their own": spec(client(rate_over_time=STEADY), rate_over_time=STEADY),
    "rate_over_time: stages, diurnal or spikes must be given": spec(client(), rate_over_time={}),
    "rate_over_time.stages[0].cv_factor: process constant and poisson has no cv": spec(
        client(), client(arrival={"process": "constant"}), rate_over_time=BURSTS
    ),
    "population.rate_fraction: a weight beside clients": spec(population=population(rate_fraction=2)),
    "population.closed_loop: needs reasoning.multi_turn": spec(population=population(closed_loop=False)),
    "population.arrival: cv is for gamma": spec(population=population(arrival={"process": "poisson", "cv": 2})),
    "reuse: at least one cell must be given": spec(client(), reuse=[]),
    "horizon must be in [1, ": spec(client(), horizon=0),
    "aggregate_rate must be > 0": spec(servegen_data={"path": "x"}, aggregate_rate=0),
    "servegen_data: span_end must be in [1, ": spec(servegen_data={"path": "x", "span_end": 0}),
}


@pytest.mark.parametrize("line", OF_ALL)
def test_a_key_of_the_whole_without_effect_is_refused_by_its_place(line):
    with pytest.raises(InputError) as info:
        load_spec(OF_ALL[line])
    assert str(info.value).startswith(line) and len(str(info.value).splitlines()) == 1


HEARD = {
    "a cv of a process that has one": spec(client(arrival={"process": "weibull", "cv": 2})),
    "a closed loop of conversations": spec(client(reasoning=TALKS, closed_loop=True)),
    "variation of some": spec(client(), client(arrival={"process": "gamma"}), rate_over_time=BURSTS),
    "a steady client among others": spec(client(rate_over_time={}), client(), rate_over_time=STEADY),
    "a weight beside clients": spec(client(), population=population(rate_fraction=2)),
    "a share that is no whole percentage": spec(
        client(reasoning={"reason_ratio_distribution": {"type": "constant", "params": {"value": 12.5}}})
    ),
}


@pytest.mark.parametrize("what", HEARD)
def test_what_has_an_effect_is_taken_and_comes_back(what):
    found = load_spec(copy.deepcopy(HEARD[what]))
    assert load_spec(spec_mapping(found)) == found
    merged = composed({"one": found})  # all that is said of all goes to each
    assert load_spec(spec_mapping(merged)) == merged


def test_a_process_without_variation_draws_the_same_whatever_is_said_of_it():
    """Of the others the burstiness changes from stage to stage."""

    def times(**more):
        stages = [{"duration_s": 5, "factor": 1, **more}, {"duration_s": 9, "factor": 1}]
        both = spec(client(), client(arrival={"process": "gamma"}), rate_over_time={"stages": stages})
        table = generate(load_spec(both | {"aggregate_rate": 20, "num_requests": 10_000}), 1)
        return [table.arrival_us[table.origin.client == number].tolist() for number in (0, 1)]

    (poisson, gamma), (same, other) = times(cv_factor=3), times()
    assert poisson == same and len(same) > 50
    assert gamma != other


def test_a_population_alone_is_composed_without_a_weight():
    whole = composed({"one": load_spec(spec(population=population()))})
    assert whole.population.rate_fraction is None
