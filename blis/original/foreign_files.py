"""The original's file of GPUs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from blis.config import Hardware
from blis.errors import InputError, check_number, unknown_name
from blis.latency.catalog import gpu_catalog, gpu_key
from blis.latency.hf_config import load_json
from blis.yaml_strict import check_mapping, named_source

#: Field of Hardware -> key of the original's file.
_HARDWARE_KEYS = {
    "tflops_peak": "TFlopsPeak",
    "bw_peak_tbs": "BwPeakTBs",
    "bw_efficiency": "BwEffConstant",
    "step_overhead_us": "TOverheadMicros",
    "per_layer_overhead_us": "perLayerOverhead",
    "mfu_prefill": "mfuPrefill",
    "mfu_decode": "mfuDecode",
    "all_reduce_latency_us": "allReduceLatency",
}


def hardware_from_file(path: str | Path, gpu: str) -> Hardware:
    """One GPU of a hardware file in the original's form (JSON): by its name there, or any other name that it has.

    Keys that it does not need are left aside. What the file does not hold is that of a shipped GPU of this name.
    Raises InputError naming the file, and the GPUs that are in it.
    """
    with named_source(path):
        entries = load_json(path)
        name = next((name for name in entries if gpu_key(name) == gpu_key(gpu)), None)
        if name is None:
            raise unknown_name("gpu", gpu, entries)
        entry = check_mapping(entries[name], name)
        values = {}
        for field, key in _HARDWARE_KEYS.items():
            if key not in entry:
                raise InputError(f"missing key {name}.{key}")
            check_number(f"{name}.{key}", entry[key])
            values[field] = float(entry[key])
        known = gpu_catalog().get(gpu)
        return replace(known.hardware, **values) if known else Hardware(**values)
