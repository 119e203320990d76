"""Use of the GPU that this process trains on, asked of NVIDIA's own library if it is there."""

from __future__ import annotations

import ctypes
import functools
import sys
from dataclasses import dataclass

_GIGA = 1e9


@dataclass(frozen=True)
class GpuUse:
    """How busy a GPU is, whoever uses it; None for what its driver does not tell."""

    percent: float | None
    memory_gb: float | None
    total_gb: float | None


class _Utilization(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


def gpu_use() -> GpuUse | None:
    """Use of this process's GPU; None without one, or before torch has begun to use it."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    # Asking must not be what makes torch take hold of a GPU, nor what imports it.
    if cuda is None or not hasattr(cuda, "is_initialized") or not cuda.is_initialized():
        return None
    library = _nvml()
    uuid = getattr(cuda.get_device_properties(cuda.current_device()), "uuid", None)
    if library is None or uuid is None:
        return None
    handle = ctypes.c_void_p()
    if library.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}".encode(), ctypes.byref(handle)) != 0:
        return None
    busy, memory = _Utilization(), _Memory()
    percent = memory_gb = total_gb = None
    if library.nvmlDeviceGetUtilizationRates(handle, ctypes.byref(busy)) == 0:
        percent = float(busy.gpu)
    if library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory)) == 0:
        memory_gb, total_gb = round(memory.used / _GIGA, 2), round(memory.total / _GIGA, 2)
    return GpuUse(percent, memory_gb, total_gb)


@functools.cache
def _nvml() -> ctypes.CDLL | None:
    """NVIDIA's library for watching GPUs, begun; None where there is none."""
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
        return library if library.nvmlInit_v2() == 0 else None
    except (OSError, AttributeError):
        return None
