"""Quantization and the search for the fastest form of a model within an accuracy budget."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from tenfold import _core, torch_module

if TYPE_CHECKING:
    import torch

Feed = Mapping[str, np.ndarray]
Path = str | os.PathLike[str]
Model = Union[str, "os.PathLike[str]", "torch.nn.Module"]


def quantize_static(
    model: Path, out: Path, data: Iterable[Feed], *, method: str = "minmax", per_channel: bool = True,
    exclude: Sequence[str] = (), opset: int = 17,
) -> int:  # fmt: skip
    """Quantizes an FP32 ONNX model to INT8 (standard QDQ) with ranges observed on `data`.

    Args:
        model: ONNX file to read.
        out: ONNX file to write; never left half-written.
        data: Feeds (input name to array, with a batch axis). Read one at a time; an iterator is kept in memory, as
            large models need a second pass.
        method: "minmax", "percentile", "entropy" or "mse".
        per_channel: One weight scale per output channel instead of one per tensor.
        exclude: Names of nodes to keep in FP32.
        opset: Operator set of the result, 13 or 17 to 21.

    Returns:
        How many operators compute in INT8.

    Raises:
        TenfoldError: The data is empty, has NaN or does not fit; a node or method is unknown; a file cannot be used.
    """
    source = list(data) if isinstance(data, Iterator) else data
    feeds = lambda: ({k: _contiguous(v) for k, v in feed.items()} for feed in source)
    return _core.quantize_static(os.fspath(model), os.fspath(out), feeds, method, per_channel, list(exclude), opset)


def quantize_dynamic(model: Path, out: Path, *, per_channel: bool = True, exclude: Sequence[str] = (), opset: int = 17) -> int:
    """Quantizes matrix products to INT8 with activation ranges taken at run time: no data needed.

    Returns:
        How many operators compute in INT8.
    """
    return _core.quantize_dynamic(os.fspath(model), os.fspath(out), per_channel, list(exclude), opset)


def optimize(
    model: Model, data: Iterable[tuple[Feed, Any]], *, calibration: Iterable[Feed], metric: Callable[[list[np.ndarray], Any], float],
    max_drop: float = 0.01, latency_ms: float = 0.0, threads: int = 1, out: Path,
) -> dict[str, Any]:  # fmt: skip
    """Finds the fastest form of a model whose metric drops by less than `max_drop`, and proves it.

    Args:
        model: FP32 ONNX file, or a torch.nn.Module. A module is exported through torch.onnx: its inputs are the arrays
            of a feed, by the names of its parameters or else in the order of the feed, and axes whose extents differ
            between samples are symbolic in the artifact.
        data: Evaluation samples: (feed, label) pairs, batch 1.
        calibration: Feeds disjoint from `data`.
        metric: metric(outputs, label) is the score of one sample; higher is better.
        max_drop: Allowed loss of the mean score.
        latency_ms: Target for the median; 0 for none.
        threads: Threads to run with.
        out: Folder for model.onnx and report.json.

    Returns:
        The report: verdict, chosen candidate, and every candidate with its proof.

    Raises:
        TenfoldError: The model or the data cannot be used; PyTorch is missing or cannot export the module.
    """
    samples = [({k: _contiguous(v) for k, v in feed.items()}, label) for feed, label in data]
    labels = [label for _, label in samples]
    ranges = [{k: _contiguous(v) for k, v in feed.items()} for feed in calibration]
    judge = lambda outputs, index: float(metric(outputs, labels[index]))
    evaluation = [feed for feed, _ in samples]

    def search(path: str, name: str) -> dict[str, Any]:
        folder = os.fspath(out)
        text = _core.optimize(path, name, evaluation, ranges, judge, max_drop, latency_ms, threads, folder)
        report: dict[str, Any] = json.loads(text)
        return report

    if isinstance(model, (str, os.PathLike)):
        return search(os.fspath(model), os.fspath(model))
    with tempfile.TemporaryDirectory() as folder:
        path = FilePath(folder) / "model.onnx"
        torch_module.export(model, evaluation + ranges, path)
        return search(str(path), f"torch:{type(model).__name__}")


def _contiguous(array: Any) -> np.ndarray:
    array = np.asarray(array)
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)
