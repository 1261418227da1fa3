"""Quantization and the search for the fastest form of a model within an accuracy budget."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tenfold import _core

Feed = Mapping[str, np.ndarray]
Path = str | os.PathLike[str]


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
    feeds = lambda: ({k: _contiguous(v) for k, v in feed.items()} for feed in source)  # noqa: E731
    return _core.quantize_static(os.fspath(model), os.fspath(out), feeds, method, per_channel, list(exclude), opset)


def quantize_dynamic(model: Path, out: Path, *, per_channel: bool = True, exclude: Sequence[str] = (), opset: int = 17) -> int:
    """Quantizes matrix products to INT8 with activation ranges taken at run time: no data needed.

    Returns:
        How many operators compute in INT8.
    """
    return _core.quantize_dynamic(os.fspath(model), os.fspath(out), per_channel, list(exclude), opset)


def optimize(
    model: Path, data: Iterable[tuple[Feed, Any]], *, calibration: Iterable[Feed], metric: Callable[[list[np.ndarray], Any], float],
    max_drop: float = 0.01, latency_ms: float = 0.0, threads: int = 1, out: Path,
) -> dict[str, Any]:  # fmt: skip
    """Finds the fastest form of a model whose metric drops by less than `max_drop`, and proves it.

    Args:
        model: FP32 ONNX file.
        data: Evaluation samples: (feed, label) pairs, batch 1.
        calibration: Feeds disjoint from `data`.
        metric: metric(outputs, label) is the score of one sample; higher is better.
        max_drop: Allowed loss of the mean score.
        latency_ms: Target for the median; 0 for none.
        threads: Threads to run with.
        out: Folder for model.onnx and report.json.

    Returns:
        The report: verdict, chosen candidate, and every candidate with its proof.
    """
    samples = [({k: _contiguous(v) for k, v in feed.items()}, label) for feed, label in data]
    labels = [label for _, label in samples]
    ranges = [{k: _contiguous(v) for k, v in feed.items()} for feed in calibration]
    judge = lambda outputs, index: float(metric(outputs, labels[index]))  # noqa: E731
    report = _core.optimize(
        os.fspath(model), [feed for feed, _ in samples], ranges, judge, max_drop, latency_ms, threads, os.fspath(out)
    )
    return json.loads(report)


def _contiguous(array: Any) -> np.ndarray:
    array = np.asarray(array)
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)
