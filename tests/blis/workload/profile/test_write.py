"""Files of profiles: they are the specification, and can be read."""

from blis.workload.draw.generate import generate
from blis.workload.draw.spec import load_spec
from blis.workload.profile.fit import profile
from blis.workload.profile.write import profile_text


def found(**changes):
    client = {
        "rate_fraction": 1,
        "arrival": {"process": "gamma", "cv": 2.0},
        "input_distribution": {"type": "exponential", "params": {"mean": 700}},
        "output_distribution": {"type": "exponential", "params": {"mean": 90}},
        "prefix_group": "g",
        **changes,
    }
    spec = {"version": "2", "aggregate_rate": 8, "num_requests": 2000, "clients": [client]}
    return profile(generate(load_spec(spec), 1), "twin")


def test_the_file_is_the_specification(tmp_path):
    turns = {"multi_turn": {"max_rounds": 3, "context_growth": "accumulate"}}
    for one in (found(), found(reasoning=turns, closed_loop=False)):
        path = tmp_path / "twin.yaml"
        path.write_text(profile_text(one, "Profile of x."))
        assert load_spec(path) == one.spec


def test_it_begins_with_what_it_is_and_is_not_and_stays_short():
    lines = profile_text(found(), "Profile of x.").splitlines()
    assert lines[0].startswith("# Profile of x. Figures, no rows. Not carried: ")
    assert max(map(len, lines)) <= 140
    assert len(lines) < 260
