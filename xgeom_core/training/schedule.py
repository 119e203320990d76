"""Optimizers and the course of the learning rate."""

from __future__ import annotations

import inspect
import math
from typing import TypeVar

import torch
from torch import nn

from xgeom_core.models.polar import PolarNetwork
from xgeom_core.training.config import TrainingConfig

# Share of a one-cycle run over which the rate rises, and from which share of the peak it does.
_RISE = 0.3
_CYCLE_START = 0.04
_END = 0.01
# What torch wraps to keep its compiler out.
_WRAPPED = ("add_param_group", "load_state_dict", "state_dict", "step", "zero_grad")

_Kind = TypeVar("_Kind", bound=torch.optim.Optimizer)


def _uncompiled(kind: type[_Kind]) -> type[_Kind]:
    """The same optimizer without torch's wrappers, which import the compiler at their first call.

    That takes longer than importing torch itself, at every start of a run, and is only needed where the
    optimizer is compiled as well; `training.compile` compiles the network alone.
    """
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in _WRAPPED}
    methods["step"] = torch.no_grad()(methods["step"])
    return type(kind.__name__, (kind,), methods)


_SGD, _AdamW = _uncompiled(torch.optim.SGD), _uncompiled(torch.optim.AdamW)


def make_optimizer(network: nn.Module, plan: TrainingConfig) -> torch.optim.Optimizer:
    """The optimizer that a configuration asks for; each group keeps its own share of the rate."""
    groups: list[dict[str, object]] = [{"params": list(network.parameters()), "share": 1.0}]
    if isinstance(network, PolarNetwork):
        groups = [
            {"params": list(network.refinement.parameters()), "share": 1.0},
            {"params": list(network.finder.parameters()), "share": plan.finder_rate},
        ]
    if plan.optimizer == "sgd":
        return _SGD(groups, lr=plan.learning_rate, momentum=plan.momentum, weight_decay=plan.weight_decay)
    return _AdamW(groups, lr=plan.learning_rate, weight_decay=plan.weight_decay)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Use a learning rate from now on."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["share"]


def learning_rate(plan: TrainingConfig, step: int, end: int | None = None) -> float:
    """Learning rate at a step.

    Parameters
    ----------
    plan : TrainingConfig
    step : int
        From 0.
    end : int, optional
        The step at which the run ends, if not that of the plan.

    Notes
    -----
    A linear warm-up, then constant, or half a cosine to 1%, or constant with a linear fall to 1% over
    the last `cooldown_steps`. One-cycle rises from 4% for 30% of the run and falls to 1%, both as
    cosines, without a warm-up of its own.
    """
    last = plan.steps if end is None else end
    if plan.schedule == "one-cycle":
        return plan.learning_rate * _one_cycle(step / max(last, 1))
    if step < plan.warmup_steps:
        return plan.learning_rate * (step + 1) / plan.warmup_steps
    if plan.schedule == "constant":
        return plan.learning_rate
    if plan.schedule == "trapezoid":
        left = (last - step) / plan.cooldown_steps
        return plan.learning_rate * min(1.0, max(_END, left))
    past = (step - plan.warmup_steps) / max(last - plan.warmup_steps, 1)
    return plan.learning_rate * _between(1.0, _END, past)


def _one_cycle(past: float) -> float:
    if past < _RISE:
        return _between(_CYCLE_START, 1.0, past / _RISE)
    return _between(1.0, _END, (past - _RISE) / (1.0 - _RISE))


def _between(start: float, stop: float, past: float) -> float:
    """From start to stop along half a cosine."""
    return stop + (start - stop) * (1.0 + math.cos(math.pi * min(past, 1.0))) / 2.0
