"""The oracle: a plain simulator, one step and one block at a time, to be read beside the specification."""

from tests.oracle.cluster import OracleResult, simulate
from tests.oracle.requests import OracleRequest, expand, from_csv
from tests.oracle.setup import Setup

__all__ = ["OracleRequest", "OracleResult", "Setup", "expand", "from_csv", "simulate"]
