"""Running a model: the surface of ONNX Runtime's InferenceSession over the native engine."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfold import _core, checks

_ORT_TYPES = {
    "f32": "tensor(float)", "f64": "tensor(double)", "u8": "tensor(uint8)", "s8": "tensor(int8)", "u16": "tensor(uint16)",
    "s16": "tensor(int16)", "i32": "tensor(int32)", "i64": "tensor(int64)", "u32": "tensor(uint32)",
    "u64": "tensor(uint64)", "bool": "tensor(bool)", "string": "tensor(string)",
}  # fmt: skip
_NUMPY_TYPES = {
    "f32": np.float32, "f64": np.float64, "u8": np.uint8, "s8": np.int8, "u16": np.uint16, "s16": np.int16,
    "i32": np.int32, "i64": np.int64, "u32": np.uint32, "u64": np.uint64, "bool": np.bool_,
}  # fmt: skip
#: By what `NodeArg.type` says.
NUMPY_TYPES = {_ORT_TYPES[name]: kind for name, kind in _NUMPY_TYPES.items()}


@dataclass(frozen=True)
class NodeArg:
    """One input or output of a model: name, type as ONNX Runtime spells it, and shape (names for symbolic extents)."""

    name: str
    type: str
    shape: list[int | str]


@dataclass
class SessionOptions:
    """How a session runs.

    Attributes:
        intra_op_num_threads: 0 means as many as the process may use.
        isa: Instruction set; empty for TENFOLD_ISA or the best of this CPU.
        tuning: Where the choice between kernels comes from: "off" for cost models alone, "cached" for what the model
            carries or this user's cache of timings knows, "measure" for that cache alone, to which is added (in
            seconds) what it does not know.
    """

    intra_op_num_threads: int = 0
    isa: str = ""
    tuning: str = "cached"


class InferenceSession:
    """A model ready to run.

    Args:
        path_or_bytes: An ONNX file, or its bytes.
        sess_options: Threads and instruction set.
        providers: Accepted for compatibility; the native engine is the only provider.
        threads: Overrides `sess_options.intra_op_num_threads`.

    Raises:
        TenfoldError: The model is missing, malformed or uses what tenfold does not support; `code` says which.
    """

    def __init__(
        self,
        path_or_bytes: str | os.PathLike[str] | bytes | bytearray,
        sess_options: SessionOptions | None = None,
        providers: Sequence[Any] | None = None,
        *,
        threads: int | None = None,
    ) -> None:
        options = SessionOptions() if sess_options is None else sess_options
        if not isinstance(options, SessionOptions):
            raise checks.invalid(f"sess_options must be tenfold.SessionOptions, not {options!r}")
        isa = checks.text(options.isa, "isa")
        if options.tuning not in ("off", "cached", "measure"):
            raise checks.invalid(f"tuning must be off, cached or measure, not {options.tuning!r}")
        tuning = getattr(_core.Tuning, options.tuning)
        count = options.intra_op_num_threads if threads is None else threads
        count = checks.threads(count)
        if isinstance(path_or_bytes, bytes | bytearray):
            self._core = _core.Session.from_bytes(bytes(path_or_bytes), count, isa, tuning)
        elif isinstance(path_or_bytes, str | os.PathLike):
            self._core = _core.Session.from_file(checks.path(path_or_bytes, "model"), count, isa, tuning)
        else:
            raise checks.invalid(f"a model is a path or bytes, not {type(path_or_bytes).__name__}")
        self._inputs = self._core.inputs()
        self._output_names = [info.name for info in self._core.outputs()]

    def get_inputs(self) -> list[NodeArg]:
        """The model's inputs, in order."""
        return [_node_arg(info) for info in self._inputs]

    def get_outputs(self) -> list[NodeArg]:
        """The model's outputs, in order."""
        return [_node_arg(info) for info in self._core.outputs()]

    def get_providers(self) -> list[str]:
        """The engine and instruction set that run the model."""
        return [f"tenfold/{self._core.isa}"]

    @property
    def metadata(self) -> dict[str, str]:
        """The model's ONNX metadata properties."""
        return dict(self._core.metadata())

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Runs the model once.

        Args:
            output_names: Which outputs to return, in this order; None or empty for all.
            input_feed: An array for every input. Contiguous arrays of the right type are read in place.

        Raises:
            TenfoldError: An input is missing, unknown, or of the wrong type or shape, or an output name is unknown.
        """
        names = [] if output_names is None else output_names
        if isinstance(names, str) or not isinstance(names, Sequence):
            raise checks.invalid(f"output_names must be a sequence of names, not {output_names!r}")
        if not isinstance(input_feed, Mapping):
            raise checks.invalid(f"input_feed must map names to arrays, not be {type(input_feed).__name__}")
        known = {info.name for info in self._inputs}
        unknown = sorted(set(input_feed) - known, key=str)
        missing = sorted(known - set(input_feed))
        if unknown or missing:
            raise checks.invalid(f"inputs do not fit the model: missing {missing}, unknown {unknown}")
        absent = [name for name in names if name not in self._output_names]
        if absent:
            raise checks.invalid(f"the model has no outputs {absent}; it has {self._output_names}")
        outputs = self._core.run([_array(info, input_feed[info.name]) for info in self._inputs])
        if not names:
            return list(outputs)
        by_name = dict(zip(self._output_names, outputs))
        return [by_name[name] for name in names]


def _node_arg(info: _core.IoInfo) -> NodeArg:
    return NodeArg(info.name, _ORT_TYPES[info.type], list(info.shape))


def _array(info: _core.IoInfo, value: Any) -> np.ndarray:
    """The value as a C-contiguous array; its type must fit exactly, as a silent conversion would hide a mistake."""
    array = checks.array(info.name, value)
    expected = _NUMPY_TYPES.get(info.type)
    if expected is None:
        raise checks.invalid(f"input '{info.name}' has type {info.type}, which Python arrays cannot feed")
    if array.dtype != expected:
        raise checks.invalid(f"input '{info.name}' must be {np.dtype(expected).name}, not {array.dtype}")
    return array
