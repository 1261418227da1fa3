"""PyTorch modules: exported for tenfold, loaded for comparison. PyTorch itself is imported only when one is used."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import io
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tenfold.checks import error, reason

Feed = Mapping[str, np.ndarray]
OPSET = 18  # what torch.onnx writes without conversion


def require_torch(why: str) -> Any:
    """The torch package, or an error that says what needs it."""
    try:
        import torch
    except ImportError as cause:
        raise error("unsupported", f"{why} needs PyTorch: pip install torch onnxscript") from cause
    return torch


def bind(module: Any, feed: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a module: by name where forward() has all the names of the feed, else by position."""
    parameters = inspect.signature(module.forward).parameters
    if feed.keys() <= parameters.keys():
        return (), dict(feed)
    return tuple(feed.values()), {}


def export(module: Any, feeds: Iterable[Feed], path: Path) -> None:
    """Writes a torch.nn.Module as ONNX, in evaluation mode (the caller's mode comes back).

    Axes whose extents differ between the feeds become symbolic, all others are as in the feeds.

    Raises:
        TenfoldError: PyTorch is missing, `module` is no module, there is no feed, or the exporter gave up.
    """
    torch = require_torch("a model that is no path")
    if not isinstance(module, torch.nn.Module):
        raise error("invalid argument", f"model is a {type(module).__name__}; a path or a torch.nn.Module is expected")
    feeds = list(feeds)
    if not feeds:
        raise error("data error", "no sample to export the module with; give at least one")
    feed = max(feeds, key=lambda f: sum(np.asarray(array).size for array in f.values()))
    args, kwargs = bind(module, {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in feed.items()})
    shapes = {name: _dynamic_axes(name, feeds, torch) for name in feed}
    training = module.training
    module.eval()
    try:
        with _quiet():
            torch.onnx.export(
                module, args, str(path), kwargs=kwargs or None, input_names=list(feed), opset_version=OPSET, dynamo=True,
                dynamic_shapes=shapes if kwargs else tuple(shapes.values()), verbose=False,
            )  # fmt: skip
    except Exception as cause:
        raise error("unsupported", f"torch.onnx cannot export {type(module).__name__}: {reason(cause)}") from cause
    finally:
        module.train(training)


def _dynamic_axes(name: str, feeds: list[Feed], torch: Any) -> dict[int, Any]:
    """The axes of an input that vary between the feeds."""
    try:
        shapes = [np.shape(feed[name]) for feed in feeds]
    except KeyError:
        raise error("data error", f"a sample has no array for input '{name}'") from None
    if len({len(shape) for shape in shapes}) > 1:
        raise error("data error", f"the samples for input '{name}' differ in rank")
    return {axis: torch.export.Dim.DYNAMIC for axis in range(len(shapes[0])) if len({shape[axis] for shape in shapes}) > 1}


def load(where: str) -> Any:
    """The module that `file.py:attribute` names: a torch.nn.Module, or a function without arguments that makes one."""
    torch = require_torch("--torch")
    file, colon, attribute = where.rpartition(":")
    if not colon or not Path(file).is_file():
        raise error("not found", f"--torch {where}: expected file.py:attribute with an existing file")
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    if spec is None or spec.loader is None:
        raise error("invalid argument", f"--torch {where}: {file} is no Python file")
    source = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(source)
        found = getattr(source, attribute, None)
        module = found() if callable(found) and not isinstance(found, torch.nn.Module) else found
    except Exception as cause:
        raise error("invalid argument", f"--torch {where}: {type(cause).__name__}: {reason(cause)}") from cause
    if not isinstance(module, torch.nn.Module):
        raise error("invalid argument", f"--torch {where}: '{attribute}' is neither a torch.nn.Module nor a function that makes one")
    return module.eval()


@contextlib.contextmanager
def _quiet() -> Any:
    """The exporter prints progress and warns about its own internals; a failure still raises."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
