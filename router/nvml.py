"""What the driver says of an NVIDIA card, through NVML. What a card or a driver does not tell is None, never 0."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import NoReading

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Card", "Reading", "card_with", "cards"]

Value = TypeVar("Value")

# Of nvml.h, "Clocks event reasons". A software power cap is what a loaded card at its limit shows; the rest slows it.
_REASONS = {0x1: "idle", 0x2: "application-clocks", 0x4: "power-cap", 0x8: "hardware-slowdown", 0x10: "sync-boost",
            0x20: "thermal", 0x40: "hardware-thermal", 0x80: "power-brake", 0x100: "display-clocks",
            0x200: "board-limit", 0x400: "reliability"}


@dataclass(frozen=True)
class Reading:
    """A card at one instant (`at`, monotonic seconds). `energy_j` counts from the start of the driver."""

    at: float
    power_w: float | None
    energy_j: float | None
    utilisation_share: float | None
    sm_mhz: float | None
    memory_mhz: float | None
    temperature_c: float | None
    throttled: tuple[str, ...]
    used_gib: float | None


class Card:
    """One card: `name`, `uuid`, `driver`, `cuda` (the newest the driver runs), `memory_gib`, `limit_w`."""

    def __init__(self, handle: Any, nvml: Any) -> None:
        self._handle, self._nvml = handle, nvml
        self.name = _text(self._ask(nvml.nvmlDeviceGetName))
        self.uuid = _text(self._ask(nvml.nvmlDeviceGetUUID))
        self.driver = _text(self._try(nvml.nvmlSystemGetDriverVersion))
        version = self._try(nvml.nvmlSystemGetCudaDriverVersion)
        self.cuda = "" if version is None else f"{version // 1000}.{version % 1000 // 10}"
        memory = self._ask(nvml.nvmlDeviceGetMemoryInfo)
        self.memory_gib = None if memory is None else memory.total / 2**30
        self.limit_w = _thousandth(self._ask(nvml.nvmlDeviceGetEnforcedPowerLimit))

    @property
    def sliced(self) -> bool:
        """Whether it is cut into MIG instances: each is another, smaller card."""
        mode = self._ask(self._nvml.nvmlDeviceGetMigMode)
        return mode is not None and mode[0] == self._nvml.NVML_DEVICE_MIG_ENABLE

    def processes(self) -> frozenset[int] | None:
        """Processes that compute on it, by the ids of the host: in a container they are other ids than one's own."""
        found = self._ask(self._nvml.nvmlDeviceGetComputeRunningProcesses)
        return None if found is None else frozenset(each.pid for each in found)

    def joules(self) -> float | None:
        """The energy counter; it steps about every 20 to 100 ms."""
        return _thousandth(self._ask(self._nvml.nvmlDeviceGetTotalEnergyConsumption))

    def watts(self) -> float | None:
        """Power of the board; from Ampere on a mean over the last second."""
        return _thousandth(self._ask(self._nvml.nvmlDeviceGetPowerUsage))

    def memory(self) -> tuple[int, int] | None:
        """Bytes in use by anybody, and bytes there are."""
        found = self._ask(self._nvml.nvmlDeviceGetMemoryInfo)
        return None if found is None else (int(found.used), int(found.total))

    def reading(self) -> Reading:
        """Everything at one instant."""
        nvml = self._nvml
        rates, memory = self._ask(nvml.nvmlDeviceGetUtilizationRates), self._ask(nvml.nvmlDeviceGetMemoryInfo)
        mask = self._ask(nvml.nvmlDeviceGetCurrentClocksEventReasons)
        return Reading(
            monotonic(), self.watts(), self.joules(), None if rates is None else rates.gpu / 100,
            self._ask(nvml.nvmlDeviceGetClockInfo, nvml.NVML_CLOCK_SM),
            self._ask(nvml.nvmlDeviceGetClockInfo, nvml.NVML_CLOCK_MEM),
            self._ask(nvml.nvmlDeviceGetTemperature, nvml.NVML_TEMPERATURE_GPU),
            tuple(name for bit, name in _REASONS.items() if mask and mask & bit),
            None if memory is None else memory.used / 2**30)

    def _ask(self, call: Callable[..., Value], *more: object) -> Value | None:
        return self._try(call, self._handle, *more)

    def _try(self, call: Callable[..., Value], *arguments: object) -> Value | None:
        try:
            return call(*arguments)
        except self._nvml.NVMLError:
            return None


def cards() -> tuple[Card, ...]:
    """Every card of this machine, in the driver's order (not in that of CUDA_VISIBLE_DEVICES).

    Raises:
        NoReading: pynvml or the driver is missing; the text says which.
    """
    try:
        import pynvml  # noqa: PLC0415 (comes with the extra `worker`)
    except ImportError:
        raise NoReading("no card can be read: pynvml is missing; pip install nvidia-ml-py") from None
    try:
        pynvml.nvmlInit()
        return tuple(Card(pynvml.nvmlDeviceGetHandleByIndex(at), pynvml) for at in range(pynvml.nvmlDeviceGetCount()))
    except pynvml.NVMLError as error:
        raise NoReading(f"no card can be read: NVML says {error}; is an NVIDIA driver installed, and passed into the "
                        "container?") from None


def card_with(uuid: str) -> Card:
    """The card that torch computes on, by its UUID: CUDA_VISIBLE_DEVICES renumbers cards for torch alone.

    Raises:
        NoReading: as for `cards`, or the driver has no such card.
    """
    for card in cards():
        if card.uuid.removeprefix("GPU-") == uuid.removeprefix("GPU-"):
            return card
    raise NoReading(f"NVML has no card with the UUID {uuid}; inside a MIG slice or another container?")


def _text(value: Any) -> str:
    return "" if value is None else value.decode() if isinstance(value, bytes) else str(value)


def _thousandth(value: float | None) -> float | None:
    return None if value is None else value / 1000
