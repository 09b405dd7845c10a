"""What makes a log unlikely: times in another unit than its format's, a network that is slower than answers."""

from __future__ import annotations

import numpy as np

from blis.tables.network import Network, upload_us
from blis.workload.recorded.recording import Recording, StepLog

#: From token to token, of half of the answers; and to the first token, of the fastest. No server is used like that.
_SLOW_TOKEN_US, _FAST_TOKEN_US, _SLOW_START_US = 1e6, 100.0, 10e6
_SLOW_STEP_US, _FAST_STEP_US = 10e6, 100.0  # half of the steps


def doubts(recording: Recording, network: Network) -> list[str]:
    """A sentence each; none where nothing is odd. network: what lay between the server and who read the times."""
    found = []
    if unit := _odd_times(recording):
        found.append(f"{recording.source}: {unit}: are the times in another unit?")
    early = int((recording.ttft_us <= upload_us(network, recording.requests.input_tokens)).sum())
    if early and network != Network():
        found.append(
            f"{recording.source}: {early} of {len(recording)} requests had their first token before the network"
            f" (round trip {network.rtt_us / 1000:g} ms) lets a prompt arrive and a token return"
        )
    return found


def doubts_of_steps(log: StepLog) -> list[str]:
    """The same of a step log."""
    typical_us = float(np.median(log.steps["duration_us"]))
    if _FAST_STEP_US <= typical_us <= _SLOW_STEP_US:
        return []
    side = "more" if typical_us > _SLOW_STEP_US else "less"
    return [f"{log.source}: half of the steps took {typical_us / 1e6:.3g} s or {side}: are the times in another unit?"]


def _odd_times(recording: Recording) -> str:
    """What no server does, "" if that is nothing."""
    between_us = recording.tpot_us[np.isfinite(recording.tpot_us)]
    typical_us = float(np.median(between_us)) if len(between_us) else np.nan
    if typical_us > _SLOW_TOKEN_US or typical_us < _FAST_TOKEN_US:
        return f"half of the answers took {typical_us / 1e6:.3g} s or {'more' if typical_us > 1e6 else 'less'} a token"
    fastest_us = float(np.min(recording.ttft_us[recording.streamed], initial=np.inf))
    if recording.streamed.any() and fastest_us > _SLOW_START_US:
        return f"the fastest first token took {fastest_us / 1e6:.3g} s"
    return _odd_ends(recording)


def _odd_ends(recording: Recording) -> str:
    """The same of answers that came in one piece: from arrival to end, a start and all tokens together."""
    whole = ~recording.streamed
    if not whole.any():
        return ""
    e2e_us, tokens = recording.e2e_us[whole], recording.requests.output_tokens[whole]
    slow = float(np.median(e2e_us / (_SLOW_START_US + _SLOW_TOKEN_US * tokens))) > 1
    fast = float(np.median(e2e_us / (_FAST_TOKEN_US * tokens))) < 1
    typical_s = float(np.median(e2e_us)) / 1e6
    side = "more" if slow else "less"
    return f"half of the answers that were not streamed took {typical_s:.3g} s or {side}" if slow or fast else ""
