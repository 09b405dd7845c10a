"""Classes: twice the weight of the most or of the least urgent one."""

from dataclasses import replace

import pytest

from blis.errors import InputError
from search.problem.traffic import Drawn
from search.shifts.classes import SHIFTS
from tests.search.shifts.problems import of_clients, of_population

NAMES = ("more urgent requests", "more patient requests")


def test_the_default_mix(tmp_path):
    """Critical 0.2, standard 0.5, batch 0.3."""
    urgent, patient = (SHIFTS[name](of_population(tmp_path)).workload.population.classes for name in NAMES)
    assert urgent == pytest.approx({"critical": 0.4 / 1.2, "standard": 0.5 / 1.2, "batch": 0.3 / 1.2})
    assert patient == pytest.approx({"critical": 0.2 / 1.3, "standard": 0.5 / 1.3, "batch": 0.6 / 1.3})


def test_clients_of_the_class_send_twice_as_much(tmp_path):
    clients = ({"rate_fraction": 1.0, "slo_class": name} for name in ("standard", "critical", "critical"))
    problem = of_clients(tmp_path, *clients)
    fractions = [[one.rate_fraction for one in SHIFTS[name](problem).workload.clients] for name in NAMES]
    assert fractions == [[1.0, 2.0, 2.0], [2.0, 1.0, 1.0]]


def test_one_class_has_no_mix(tmp_path):
    problem = of_clients(tmp_path, {"rate_fraction": 1.0}, {"rate_fraction": 1.0})
    with pytest.raises(InputError, match="no class of the requests is more urgent"):
        SHIFTS[NAMES[0]](problem)


def test_clients_and_population_change_together(tmp_path):
    """Twice the weight of a class among all, whoever sends it."""
    problem = of_population(tmp_path)
    client = of_clients(tmp_path, {"rate_fraction": 1.0, "slo_class": "critical"}).workload.clients[0]
    both = problem.on(Drawn(replace(problem.workload, clients=(client,))))
    found = SHIFTS["more urgent requests"](both).workload
    assert found.clients[0].rate_fraction == 2
    assert found.population.rate_fraction == pytest.approx(0.2 * 2 + 0.8)
    assert found.population.classes["critical"] == pytest.approx(0.4 / 1.2)
