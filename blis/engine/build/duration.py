"""How long a run can last at most: times that int64 cannot hold are refused before anything runs."""

from __future__ import annotations

from blis.config import LONGEST_US, MAX_TIME_US, Instance, Scenario
from blis.errors import InputError
from blis.tables.requests import RequestTable


def check_duration(scenario: Scenario, instance: Instance, table: RequestTable, step_us: float) -> None:
    """Raise InputError if all requests one after the other, a token a step, could end beyond MAX_TIME_US.

    step_us: the longest step of `instance`.
    """
    fixed_us, token_us, overhead_us = instance.latency_model.alpha
    tokens = table.input_tokens + table.output_tokens
    longest, total = int(tokens.max(initial=0)), int(tokens.sum()) + len(table)
    before_us = scenario.cluster.admission.latency_us + scenario.cluster.routing.latency_us + fixed_us
    last_us = float(table.arrival_us.max(initial=0))
    if table.think_us is not None:
        last_us += float(table.think_us.sum())
    cluster = scenario.cluster
    total *= (1 + cluster.retries.limit) * scenario.rows_a_request
    last_us += _waits_us(scenario, table, longest)
    lora = instance.lora
    step_us *= cluster.startup.warm_up_factor * lora.step_factor
    loads_us = lora.max_loras * (lora.load_us + lora.fetch_us)
    busy_us = total * (step_us + _transfers_us(instance, longest) + loads_us)
    end_us = last_us + before_us + longest * token_us + busy_us + (longest + 2) * overhead_us
    if not end_us < MAX_TIME_US:
        raise InputError(
            f"{total} tokens in steps of up to {step_us:g} µs and what is charged beside them may last until"
            f" {end_us:.3g} µs; times must stay below {MAX_TIME_US:.3g} µs"
        )


def _waits_us(scenario: Scenario, table: RequestTable, longest: int) -> float:
    """What beside steps a run may wait for: clients, instances that are gone or load, KV that is moved."""
    cluster = scenario.cluster
    waits_us = float(cluster.retries.backoff_us << cluster.retries.limit)
    if scenario.clients.any:
        waits_us += scenario.clients.longest_us
    if cluster.failures.any:
        waits_us += 3 * LONGEST_US + cluster.startup.load_us
    if cluster.autoscaling.any:
        waits_us += len(table) * (cluster.startup.load_us + cluster.autoscaling.drain_us)
    if scenario.apart:
        transfer, block_tokens = cluster.kv_transfer, scenario.instance.kv.block_size_tokens
        moved_bytes = (longest + block_tokens) * scenario.token_bytes
        waits_us += len(table) * (moved_bytes / transfer.bytes_per_us + transfer.latency_us + 1) + transfer.hold_us
    return waits_us


def _transfers_us(instance: Instance, longest: int) -> float:
    """What a step may wait for blocks of the tiers below, of every member of its batch."""
    blocks = longest / instance.kv.block_size_tokens + 1
    once_us = sum(tier.base_latency_us + blocks / tier.bandwidth_blocks_us for tier in instance.kv.lower_tiers)
    return once_us * instance.batch.max_running
