"""PyTorch module to ONNX file, through either of PyTorch's exporters."""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
import zlib
from pathlib import Path

import torch

import onnx
from tools.zoo.healthy import make_healthy
from tools.zoo.inputs import feeds_of_kind
from tools.zoo.table import Row


def write(row: Row, path: Path, directory: Path) -> None:
    """Builds, heals and exports the module of `row`.

    Options: `exporter` ("torchscript" or "dynamo"), `opset`, `dynamic` (symbolic batch; sequences also in length),
    `healthy` (False for real weights), `keep_batch_norm` (do not fold it into convolutions), `external` (weights beside),
    `outputs` (their names).
    """
    torch.set_num_threads(1)
    options = row.options
    model = build(row)
    feed = feeds_of_kind(row.feeds, batch=2 if options.get("dynamic", True) else 1)[0]
    outputs = list(options.get("outputs", ("output",)))
    with _quiet():
        exporter = {"torchscript": _torchscript, "dynamo": _dynamo}[options["exporter"]]
        exporter(model, feed, outputs, path, options)
    # Read back whole and write anew: the exporters differ in when they put weights beside the model.
    written = onnx.load(path)
    Path(f"{path}.data").unlink(missing_ok=True)
    beside = {"save_as_external_data": True, "location": f"{path.name}.data"} if options.get("external") else {}
    onnx.save(written, path, **beside)
    onnx.checker.check_model(str(path))


def build(row: Row) -> torch.nn.Module:
    """The module of a row, seeded by its name, in eval mode with healthy activations."""
    family, function = row.options["module"].split(":")
    seed = zlib.crc32(row.options["module"].encode())
    torch.manual_seed(seed)
    model = getattr(importlib.import_module(f"tools.zoo.{family}"), function)()
    if row.options.get("healthy", True):
        make_healthy(model, row.feeds, seed)
    return model.eval()


def _tensors(feed: dict) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(array) for array in feed.values())


def _results(model: torch.nn.Module, feed: dict) -> tuple[torch.Tensor, ...]:
    with torch.no_grad():
        results = model(*_tensors(feed))
    return results if isinstance(results, tuple) else (results,)


def _torchscript(model, feed, outputs, path, options) -> None:
    """The exporter by tracing."""
    axes = {}
    if options.get("dynamic", True):
        axes = {name: {0: "batch", **({1: "sequence"} if array.ndim == 2 else {})} for name, array in feed.items()}
        for name, result in zip(outputs, _results(model, feed)):
            axes[name] = {0: "batch", **({1: "sequence"} if result.ndim == 3 and feed.keys() > {"input_ids"} else {})}
    training = torch.onnx.TrainingMode.PRESERVE if options.get("keep_batch_norm") else torch.onnx.TrainingMode.EVAL
    torch.onnx.export(model, _tensors(feed), path, input_names=list(feed), output_names=outputs, dynamic_axes=axes,
                      opset_version=options["opset"], training=training, dynamo=False,
                      do_constant_folding=not options.get("keep_batch_norm", False))  # fmt: skip


def _dynamo(model, feed, outputs, path, options) -> None:
    """The exporter through torch.export."""
    shapes = None
    if options.get("dynamic", True):
        batch, sequence = torch.export.Dim("batch"), torch.export.Dim("sequence")
        shapes = tuple({0: batch, **({1: sequence} if array.ndim == 2 else {})} for array in feed.values())
    torch.onnx.export(model, _tensors(feed), path, input_names=list(feed), output_names=outputs, dynamic_shapes=shapes,
                      opset_version=options["opset"], dynamo=True, verbose=False)  # fmt: skip


@contextlib.contextmanager
def _quiet():
    """Exporters print progress and warn about their own internals; a failure still raises."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
