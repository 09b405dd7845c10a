import numpy as np

from blis.evaluation.grouping import rows_by_instance


def test_rows_of_each_instance_in_the_order_of_the_table_unrouted_ones_first():
    instance = np.array([2, 0, 2, -1, 0, 1, -1])
    chosen = np.array([1, 1, 1, 1, 1, 0, 1], bool)
    assert [rows.tolist() for rows in rows_by_instance(instance, chosen)] == [[3, 6], [1, 4], [0, 2]]
    assert list(rows_by_instance(instance, np.zeros(7, bool))) == []
