import enum
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

class TenfoldError(RuntimeError):
    code: str

class IoInfo:
    name: str
    type: str
    shape: Sequence[int | str]

class Tuning(enum.Enum):
    off = ...
    cached = ...
    measure = ...

class Session:
    @staticmethod
    def from_file(path: str, threads: int = 0, isa: str = "", tuning: Tuning = ...) -> Session: ...
    @staticmethod
    def from_bytes(data: bytes, threads: int = 0, isa: str = "", tuning: Tuning = ...) -> Session: ...
    def run(self, feeds: Sequence[np.ndarray]) -> list[np.ndarray]: ...
    def inputs(self) -> list[IoInfo]: ...
    def outputs(self) -> list[IoInfo]: ...
    def metadata(self) -> dict[str, str]: ...
    @property
    def threads(self) -> int: ...
    @property
    def isa(self) -> str: ...

def quantize_static(
    model: str, out: str, make_feeds: Callable[[], Iterator[dict[str, np.ndarray]]], method: str, per_channel: bool, exclude: list[str], opset: int
) -> int: ...
def quantize_dynamic(model: str, out: str, per_channel: bool, exclude: list[str], opset: int) -> int: ...
def optimize(
    model: str,
    name: str,
    evaluation: list[dict[str, np.ndarray]],
    calibration: list[dict[str, np.ndarray]],
    metric: Callable[[list[np.ndarray], int], Any],
    max_drop: float,
    latency_ms: float,
    threads: int,
    out: str,
) -> str: ...
