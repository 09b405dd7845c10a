"""LoRA adapters of an instance: how many it holds where, and what it takes to bring one there (docs/lora.md)."""

from __future__ import annotations

from dataclasses import dataclass

from blis.config.limits import MAX_TIME_US
from blis.errors import check_integer, check_number

_MOST = 2**31 - 1


@dataclass(frozen=True)
class Lora:
    """Which adapters one base model serves at once, by vLLM's names; nothing of it counts where nobody asks for any."""

    max_loras: int = 0  # different adapters in a step's batch = places on the GPU; 0: the instance serves none
    max_cpu_loras: int = 0  # places in CPU memory, those of the GPU included; 0: as many as on the GPU
    load_us: int = 0  # from CPU memory to the GPU; the step waits for it …
    fetch_us: int = 0  # … and for this before, where it is in neither
    step_factor: float = 1.0  # a step takes so many times as long if its batch has an adapter

    def __post_init__(self) -> None:
        """Check the numbers, and that whatever is on the GPU is in CPU memory, too."""
        check_integer("lora.max_loras", self.max_loras, 0, _MOST)
        if self.max_cpu_loras:
            check_integer("lora.max_cpu_loras", self.max_cpu_loras, max(self.max_loras, 1), _MOST)
        check_integer("lora.load_us", self.load_us, 0, MAX_TIME_US)
        check_integer("lora.fetch_us", self.fetch_us, 0, MAX_TIME_US)
        check_number("lora.step_factor", self.step_factor, 1, 1000)

    @property
    def any(self) -> bool:
        """Whether the instance serves adapters."""
        return self.max_loras > 0

    @property
    def memory(self) -> int:
        """Adapters that it holds at most."""
        return self.max_cpu_loras or self.max_loras
