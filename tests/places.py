"""Where tests find things: whoever moves a test changes nothing in it."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"
REFERENCE = Path(__file__).parent / "data" / "reference"  # recorded runs of the original
TRACES = ROOT.parent / "shared" / "traces"  # real traffic; only where the project is developed
