"""Quantization and the search for the fastest form of a model within an accuracy budget."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from tenfold import _core, checks, torch_module

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
    source = list(data) if isinstance(data, Iterator) else _samples(data, "data")
    feeds = lambda: (checks.feed(feed) for feed in source)
    return _core.quantize_static(
        checks.path(model, "model"), checks.path(out, "out"), feeds, checks.text(method, "method"), bool(per_channel),
        *_form(exclude, opset),
    )  # fmt: skip


def quantize_dynamic(model: Path, out: Path, *, per_channel: bool = True, exclude: Sequence[str] = (), opset: int = 17) -> int:
    """Quantizes matrix products to INT8 with activation ranges taken at run time: no data needed.

    Returns:
        How many operators compute in INT8.
    """
    return _core.quantize_dynamic(checks.path(model, "model"), checks.path(out, "out"), bool(per_channel), *_form(exclude, opset))


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
        metric: metric(outputs, label) is the score of one sample; higher is better. A sample that fails is taken to lose
            1, as with an accuracy, or as much as scores were seen to differ: few samples certify nothing.
        max_drop: Allowed loss of the mean score.
        latency_ms: Target for the median; 0 for none.
        threads: Threads to run with, 0 for as many as the process may use.
        out: Folder for model.onnx and report.json, another than that of a model.onnx to be read.

    Returns:
        The report: verdict, chosen candidate, and every candidate with its proof.

    Raises:
        TenfoldError: The model or the data cannot be used; PyTorch is missing or cannot export the module.
    """
    if not callable(metric):
        raise checks.invalid(f"metric must be a function of outputs and label, not {metric!r}")
    goal = (_number(max_drop, "max_drop"), _number(latency_ms, "latency_ms"), checks.threads(threads))
    folder = checks.path(out, "out")
    samples = [_labelled(sample) for sample in _samples(data, "data")]
    labels = [label for _, label in samples]
    ranges = [checks.feed(feed) for feed in _samples(calibration, "calibration")]
    judge = lambda outputs, index: float(metric(outputs, labels[index]))
    evaluation = [feed for feed, _ in samples]

    def search(path: str, name: str) -> dict[str, Any]:
        text = _core.optimize(path, name, evaluation, ranges, judge, *goal, folder)
        report: dict[str, Any] = json.loads(text)
        return report

    if isinstance(model, (str, os.PathLike)):
        name = checks.path(model, "model")
        return search(name, name)
    with tempfile.TemporaryDirectory() as exported:
        path = FilePath(exported) / "model.onnx"
        torch_module.export(model, evaluation + ranges, path)
        return search(str(path), f"torch:{type(model).__name__}")


def _number(value: Any, what: str) -> float:
    if not isinstance(value, (int, float, np.number)) or not 0 <= value < float("inf"):
        raise checks.invalid(f"{what} must be a finite number of 0 or more, not {value!r}")
    return float(value)


def _samples(data: Any, what: str) -> Iterable[Any]:
    try:
        iter(data)  # what has only __getitem__, such as the data sets of PyTorch, may be iterated too
    except TypeError as cause:
        raise checks.invalid(f"{what} must be iterable, {type(data).__name__} is not") from cause
    samples: Iterable[Any] = data
    return samples


def _labelled(sample: Any) -> tuple[dict[str, np.ndarray], Any]:
    try:
        feed, label = sample
    except (TypeError, ValueError) as cause:
        raise checks.invalid(f"an evaluation sample must be a pair (feed, label), not {type(sample).__name__}") from cause
    return checks.feed(feed), label


def _form(exclude: Any, opset: Any) -> tuple[list[str], int]:
    """What both quantizers take: the nodes to keep in FP32, and the operator set."""
    if isinstance(exclude, str) or not isinstance(exclude, Iterable):
        raise checks.invalid(f"exclude must be a sequence of names, not {exclude!r}")
    names = [checks.text(name, "a node to exclude") for name in exclude]
    if not isinstance(opset, (int, np.integer)) or not 0 <= opset < 1 << 31:
        raise checks.invalid(f"opset must be 13 or 17 to 21, not {opset!r}")
    return names, int(opset)
