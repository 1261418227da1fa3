"""Latency of tenfold and its peers on the same ONNX file, in one process, interleaved.

Interleaving lets every engine meet the same noise of a shared machine; the ratio of medians is what counts. Engines take
turns in short bursts rather than single runs: an engine's idle workers spin for a while after a run and would take a core
from the next one (MobileNetV2 INT8 on two threads of two cores: 3.4 ms right behind ONNX Runtime's spinning workers).
"""

from __future__ import annotations

import functools
import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

import tenfold
from tenfold import checks, torch_module
from tenfold.session import NUMPY_TYPES

Run = Callable[[], Any]
Feeds = dict[str, np.ndarray]

WARM_UP_ROUNDS = 5
MIN_ROUNDS = 5
BURST = 5
PAUSE_SECONDS = 0.02  # for the other engines' workers to park


def native(path: str, feeds: Feeds, threads: int, tuning: str = "cached") -> Run:
    """Runs a model on the native engine; `tuning` as in `SessionOptions`."""
    session = tenfold.InferenceSession(path, tenfold.SessionOptions(threads, tuning=tuning))
    return lambda: session.run(None, feeds)


def _onnxruntime(path: str, feeds: Feeds, threads: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, feeds)


def _openvino(path: str, feeds: Feeds, threads: int) -> Run:
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    model.reshape({name: list(array.shape) for name, array in feeds.items()})
    config = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(model, "CPU", config).create_infer_request()
    return lambda: request.infer(feeds)


def _shapes(outputs: Any) -> list[tuple[int, ...]]:
    """Shapes of arrays or tensors: one, a sequence, or a mapping such as the output classes of transformers."""
    if isinstance(outputs, Mapping):
        outputs = list(outputs.values())
    return [tuple(o.shape) for o in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]


def _torch(module: Any, compiled: bool) -> Callable[[str, Feeds, int], Run]:
    """The module that an ONNX file was made from, eager or through torch.compile. The number of threads is that of the process."""

    def prepare(path: str, feeds: Feeds, threads: int) -> Run:
        torch = torch_module.require_torch("the peer 'torch'")
        torch.set_num_threads(threads)
        function = torch.compile(module) if compiled else module
        args, kwargs = torch_module.bind(module, {name: torch.from_numpy(array) for name, array in feeds.items()})

        def run() -> Any:
            with torch.inference_mode():
                return function(*args, **kwargs)

        ours, theirs = _shapes(tenfold.InferenceSession(path, threads=1).run(None, feeds)), _shapes(run())
        if ours != theirs:
            message = f"{path} gives outputs of shapes {ours}, the torch module {theirs}: not the same model"
            raise checks.invalid(message)
        return run

    return prepare


def torch_engines(where: str) -> dict[str, Callable[[str, Feeds, int], Run]]:
    """The engines `torch` (eager, as the module's parameters are: FP32) and `torch.compile` for `file.py:attribute`."""
    module = torch_module.load(where)
    return {"torch": _torch(module, compiled=False), "torch.compile": _torch(module, compiled=True)}


def outputs_of(engine: str, path: str, feeds: Feeds) -> list[np.ndarray]:
    """What an engine computes, on one thread."""
    outputs = ENGINES[engine](path, feeds, 1)()
    return list(outputs.values()) if isinstance(outputs, Mapping) else list(outputs)


TORCH_ENGINES = ("torch", "torch.compile")
ENGINES: dict[str, Callable[[str, Feeds, int], Run]] = {"tenfold": native, "onnxruntime": _onnxruntime, "openvino": _openvino}


def symbols(paths: Iterable[str]) -> set[str]:
    """The names of the symbolic extents of the inputs of some models."""
    inputs = [argument for path in paths for argument in tenfold.InferenceSession(path, threads=1).get_inputs()]
    return {d for argument in inputs for d in argument.shape if isinstance(d, str)}


def random_feeds(path: str, extents: Mapping[str, int]) -> Feeds:
    """Seeded inputs for a model: normal floats, ones of other types; symbolic extents from `extents`, else 1."""
    rng = np.random.default_rng(0)
    feeds: Feeds = {}
    for argument in tenfold.InferenceSession(path, threads=1).get_inputs():
        kind = NUMPY_TYPES.get(argument.type)
        if kind is None:
            raise checks.error("unsupported", f"input '{argument.name}' has type {argument.type}, which arrays cannot feed")
        shape = [extents.get(d, 1) if isinstance(d, str) else d for d in argument.shape]
        try:
            feeds[argument.name] = rng.standard_normal(shape).astype(kind) if kind is np.float32 else np.ones(shape, kind)
        except (ValueError, MemoryError) as cause:
            raise checks.error("unsupported", f"input '{argument.name}' of shape {shape}: {checks.reason(cause)}") from cause
    return feeds


def _started(engine: str, prepare: Callable[[str, Feeds, int], Run], path: str, feeds: Feeds, threads: int) -> Run:
    """An engine that has run once. Whatever keeps it from running, from any library, becomes one typed error."""
    try:
        run = prepare(path, feeds, threads)
        run()
    except tenfold.TenfoldError:
        raise
    except Exception as cause:
        raise checks.error("unsupported", f"{engine} cannot run {path}: {checks.reason(cause)}") from cause
    return run


def measure(path: str, engines: Sequence[str], threads: int, seconds: float, *, feeds: Feeds, torch_from: str | None = None,
            tuning: str = "cached") -> dict[str, Any]:
    """Runs every engine in turn for about `seconds` in all.

    Args:
        torch_from: Names the module for `torch` and `torch.compile`.
        tuning: Of tenfold's session, as in `SessionOptions`.

    Returns:
        model, threads, and for every engine its runs, min, median, p90 and p99 in milliseconds.
    """
    known = ENGINES | {"tenfold": functools.partial(native, tuning=tuning)} | (torch_engines(torch_from) if torch_from else {})
    runs = {name: _started(name, known[name], path, feeds, threads) for name in engines}
    times = interleaved(runs, seconds)
    return {"model": os.path.basename(path), "threads": threads, "engines": {n: _summary(t) for n, t in times.items()}}


def interleaved(runs: Mapping[str, Run], seconds: float) -> dict[str, list[float]]:
    """Milliseconds of every run of each function, which take turns for about `seconds` in all, after a warm-up."""
    for _ in range(WARM_UP_ROUNDS):
        for run in runs.values():
            run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    end = time.perf_counter() + seconds
    rounds = 0
    while rounds < MIN_ROUNDS or time.perf_counter() < end:
        order = list(runs.items())
        for name, run in order[rounds % len(order) :] + order[: rounds % len(order)]:
            time.sleep(PAUSE_SECONDS)
            run()  # wakes the engine's own workers, unmeasured
            for _ in range(BURST):
                begin = time.perf_counter()
                run()
                times[name].append(1e3 * (time.perf_counter() - begin))
        rounds += 1
    return times


def _summary(milliseconds: list[float]) -> dict[str, float]:
    ordered = np.sort(milliseconds)
    return {
        "runs": len(milliseconds),
        "min": float(ordered[0]),
        "median": statistics.median(milliseconds),
        "p90": float(np.quantile(ordered, 0.9)),
        "p99": float(np.quantile(ordered, 0.99)),
    }


def ratio_to_best_peer(result: Mapping[str, Any]) -> float | None:
    """tenfold's median over the better peer's; below 1 tenfold is faster. None without peers."""
    peers = [e["median"] for name, e in result["engines"].items() if name != "tenfold"]
    return result["engines"]["tenfold"]["median"] / min(peers) if peers else None


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """The results as a Markdown table: medians in milliseconds (minimum in brackets) and the ratio to the better peer."""
    names = list(results[0]["engines"])
    lines = ["| model | threads | " + " | ".join(f"{name} ms" for name in names) + " | ratio |", "|---" * (len(names) + 3) + "|"]
    for result in results:
        cells = [f"{e['median']:.2f} ({e['min']:.2f})" for e in result["engines"].values()]
        ratio = ratio_to_best_peer(result)
        lines.append(f"| {result['model']} | {result['threads']} | " + " | ".join(cells) + f" | {'-' if ratio is None else f'{ratio:.2f}'} |")
    return "\n".join(lines)
