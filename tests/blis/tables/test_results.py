from blis.tables.records import COMPLETED, QUEUED, REJECTED, STATUS_NAMES
from tests.blis.handmade import make_result, make_table


def test_statuses_and_reasons_in_words():
    result = make_result(make_table(3), 5, status=[COMPLETED, REJECTED, QUEUED])
    assert len(result) == 3
    assert result.status_names() == ["completed", "rejected", "queued"]
    assert result.reasons() == ["", "policy", ""]
    assert len(set(STATUS_NAMES)) == len(STATUS_NAMES)
