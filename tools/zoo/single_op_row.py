"""One row of the table of single operators, and the tensors it names."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Tensor:
    """An input of the operator: drawn by shape and range, or given."""

    shape: tuple[int, ...] = ()
    constant: bool = False
    low: float | None = None
    high: float | None = None
    dtype: str = "float32"
    values: np.ndarray | None = None


@dataclass(frozen=True)
class Row:
    """One case."""

    name: str
    op: str
    inputs: tuple[Tensor | None, ...]
    attrs: dict = field(default_factory=dict)
    opset: int = 17
    outputs: int = 1
    omitted: int = 0  # outputs in front of these that are not wanted
    dynamic: bool = False


def x(*shape: int, low=None, high=None, dtype="float32") -> Tensor:
    """Fed at run time: normal, or uniform in [low, high)."""
    return Tensor(shape, False, low, high, dtype)


def w(*shape: int, low=None, high=None) -> Tensor:
    """An initializer."""
    return Tensor(shape, True, low, high)


def const(values, dtype="int64") -> Tensor:
    """An initializer with these values."""
    return Tensor(constant=True, values=np.asarray(values, dtype))


def feed(values, dtype="float32") -> Tensor:
    """Fed at run time with these values."""
    return Tensor(values=np.asarray(values, dtype))
