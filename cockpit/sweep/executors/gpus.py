"""What processes use of NVIDIA's GPUs, where its library is there (`pip install …[gpu]`)."""

from __future__ import annotations

import importlib
from typing import Any

_MB = 1e6


class Gpus:
    """Asks NVML. Where there is none, or no driver, or no GPU, nothing is told and nothing fails."""

    def __init__(self, nvml: Any = None) -> None:
        self._nvml = nvml
        self._devices: list[Any] | None = None
        self._seen: dict[int, int] = {}
        """By device: the time of the newest sample of its processes, in µs."""

    def by_process(self) -> dict[int, dict[str, float]]:
        """`system.gpu0_percent` and `system.gpu0_memory_mb`, by process number."""
        if self._devices is None:
            self._devices = self._open()
        used: dict[int, dict[str, float]] = {}
        for index, device in enumerate(self._devices):
            for pid, size in self._memory(device).items():
                used.setdefault(pid, {})[f"system.gpu{index}_memory_mb"] = size / _MB
            for pid, percent in self._percent(index, device).items():
                used.setdefault(pid, {})[f"system.gpu{index}_percent"] = percent
        return used

    def _open(self) -> list[Any]:
        try:
            self._nvml = self._nvml or importlib.import_module("pynvml")
        except ImportError:
            return []
        nvml = self._nvml
        try:
            nvml.nvmlInit()
            return [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
        except nvml.NVMLError:  # no driver, or one that does not let us in
            return []

    def _memory(self, device: Any) -> dict[int, int]:
        try:
            running = self._nvml.nvmlDeviceGetComputeRunningProcesses(device)
        except self._nvml.NVMLError:
            return {}
        return {process.pid: process.usedGpuMemory or 0 for process in running}

    def _percent(self, index: int, device: Any) -> dict[int, float]:
        """Mean of the samples since the last look; none for a process that did nothing."""
        try:
            samples = self._nvml.nvmlDeviceGetProcessUtilization(device, self._seen.get(index, 0))
        except self._nvml.NVMLError:  # no samples, or a GPU that keeps none
            return {}
        by_pid: dict[int, list[int]] = {}
        for sample in samples:
            by_pid.setdefault(sample.pid, []).append(sample.smUtil)
            self._seen[index] = max(self._seen.get(index, 0), sample.timeStamp)
        return {pid: sum(values) / len(values) for pid, values in by_pid.items()}
