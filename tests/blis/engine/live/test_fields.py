from __future__ import annotations

from blis.engine.build.arrays import blank
from blis.engine.live.fields import Fields
from blis.engine.records import ROW


def test_fields_are_those_of_the_records_themselves():
    records = blank(ROW, 3)
    fields = Fields(records)
    assert list(fields) == list(ROW.names or ())
    fields["arrival_us"][1] = 7
    records[2].path_end = 9
    assert records.arrival_us.tolist() == [0, 7, 0] and fields["path_end"].tolist() == [0, 0, 9]
