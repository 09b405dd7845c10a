"""Hardware files of the original are read as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blis.errors import InputError
from blis.latency.catalog import gpu_catalog
from blis.original.foreign_files import hardware_from_file

H100 = {
    "TFlopsPeak": 989.5,
    "BwPeakTBs": 3.35,
    "BwEffConstant": 0.72,
    "TOverheadMicros": 500.0,
    "perLayerOverhead": 20,
    "mfuPrefill": 0.65,
    "mfuDecode": 0.12,
    "allReduceLatency": 20.0,
    "tpScalingExponent": 0.13,
}


def without(mapping: dict, key: str) -> dict:
    return {name: value for name, value in mapping.items() if name != key}


def test_a_hardware_file(tmp_path: Path):
    path = tmp_path / "hardware.json"
    path.write_text(json.dumps({"H100": H100, "A100-SXM": {**H100, "TFlopsPeak": 312}, "mine": H100}))
    assert hardware_from_file(path, "h100") == gpu_catalog().find("H100").hardware
    assert hardware_from_file(path, "A100-80").tflops_peak == 312.0
    assert hardware_from_file(path, "mine").memory_gb == 0


@pytest.mark.parametrize(
    ("entries", "part"),
    [
        ({"A100-SXM": H100}, "unknown gpu 'H100'.*choose one of: A100-SXM"),
        ({"H100": without(H100, "mfuDecode")}, "missing key H100.mfuDecode"),
        ({"H100": {**H100, "BwPeakTBs": "fast"}}, "H100.BwPeakTBs must be a number, got 'fast'"),
        ({"H100": {**H100, "BwPeakTBs": 0}}, "bw_peak_tbs must be > 0"),
        ({"H100": 3}, "H100 must be a mapping"),
    ],
)
def test_a_bad_hardware_file_names_file_and_key(tmp_path: Path, entries: object, part: str):
    path = tmp_path / "hardware.json"
    path.write_text(json.dumps(entries))
    with pytest.raises(InputError, match=rf"hardware\.json: .*{part}"):
        hardware_from_file(path, "H100")
