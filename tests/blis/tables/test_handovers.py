"""The columns of prompts that another instance computed, in results and files."""

from blis.config import KVTransfer, Pool
from blis.engine.run import simulate
from blis.tables.frame import results_frame
from tests.blis.engine.plain_times import deployment, requests

COLUMNS = ["prefill_instance", "prefilled_us", "kv_asked_us", "kv_there_us", "kv_moved_blocks"]


def frame(pools=()):
    scenario = deployment(2, pools=pools, kv_transfer=KVTransfer(bytes_per_token=1000, bandwidth_gb_s=0.1))
    table = requests([0])
    return results_frame(table, simulate(scenario, table), [replica.instance for replica in scenario.replicas])


def test_a_file_has_them_where_instances_have_roles():
    row = frame([Pool(role="prefill"), Pool(role="decode")]).iloc[0]
    assert row[COLUMNS].tolist() == [0, 100, 100, 100 + 80 + 1000, 2]
    assert not {*COLUMNS} & {*frame().columns}
