"""`make bench`: tenfold against its peers on the zoo, one and two threads, latency, exactness and loading, into bench/RESULTS-<isa>.md."""

from __future__ import annotations

import argparse
import functools
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import tenfold
from tenfold import bench, loading

from bench import summary
from tools.zoo.inputs import feeds, feeds_of_kind
from tools.zoo.table import OTHER_CONVNETS, row

PEERS = ("onnxruntime", "openvino")
MODELS = (
    "resnet50", "mobilenet_v2", "efficientnet_lite0", "mobilenet_v2.int8_ort", "efficientnet_lite0.int8_ort",
    "resnet18.int8_ort", "resnet50.int8_ort", "mobilenet_v3_large.int8_ort", "efficientnet_b0.int8_ort", "ppocr_rec",
)  # fmt: skip

#: INT8 by tenfold against FP32 by PyTorch, and whether torch.compile takes part (it compiles for a minute).
AGAINST_TORCH = (("mobilenet_v2", True), ("efficientnet_lite0", False), ("efficientnet_b0", True), ("resnet50", True))

#: Loaded in fresh processes by tenfold and ONNX Runtime.
LOADED = ("mobilenet_v2.int8_ort", "efficientnet_lite0.int8_ort", "mobilenet_v3_large.int8_ort", "resnet50.int8_ort")

#: Planned by measurement.
PLANNED = ("mobilenet_v2.int8_ort", "mobilenet_v3_large.int8_ort", "resnet18.int8_ort", "resnet50.int8_ort", "resnet18")

#: Quantized here, by tenfold, and run by every engine; with the kind of their feeds.
QUANTIZED = {"ppocr_det": "ppocr_det_640", "ppocr_rec": "ppocr_rec", "yolo_n": "yolo_640"}
CALIBRATION_FEEDS = 8


def quantized(models: Path, name: str) -> str:
    """The path of the INT8 form of a model, made on first use."""
    out = models / f"{name}.int8_tenfold.onnx"
    if not out.exists():
        tenfold.quantize_static(
            str(models / f"{name}.onnx"), str(out), feeds_of_kind(QUANTIZED[name], CALIBRATION_FEEDS)
        )
    return str(out)


def as_the_file_says(path: str, feed: bench.Feeds) -> np.ndarray:
    """The first output of a QDQ model run operator by operator in FP32, by ONNX Runtime without its optimisations."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(path, options).run(None, feed)[0]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Of two tensors, as vectors."""
    a, b = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-300))


def exactness(cases: list[tuple[str, bench.Feeds]]) -> str:
    """A Markdown table: cosine of every engine's first output with what the file says."""
    engines = ("tenfold", *PEERS)
    lines = ["| model | " + " | ".join(engines) + " |", "|---" * (len(engines) + 1) + "|"]
    for path, feed in cases:
        expected = as_the_file_says(path, feed)
        outputs = (np.asarray(next(iter(bench.outputs_of(name, path, feed)))) for name in engines)
        lines.append(f"| {Path(path).name} | " + " | ".join(f"{cosine(o, expected):.3f}" for o in outputs) + " |")
    return "\n".join(lines)


def cpu_name() -> str:
    """The CPU's brand string."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def compared(cases: list[tuple[str, bench.Feeds]], seconds: float) -> list[dict]:
    """Every file on one thread and on two, by all engines."""
    results = []
    for threads in (1, 2):
        for path, feed in cases:
            results.append(bench.measure(path, ("tenfold", *PEERS), threads, seconds, feeds=feed))
            print(bench.table(results[-1:]).splitlines()[-1], flush=True)
    return results


def geometric_means(results: list[dict]) -> str:
    """Of the ratios to the better peer, by number of threads."""
    parts = []
    for threads in (1, 2):
        ratios = [bench.ratio_to_best_peer(r) for r in results if r["threads"] == threads]
        parts.append(f"{np.exp(np.mean(np.log(ratios))):.2f} on {threads} thread{'s' if threads > 1 else ''}")
    return "Geometric mean of the ratios: " + ", ".join(parts) + "."


def against_torch(models: Path, seconds: float) -> str:
    """A Markdown table: the INT8 file by tenfold, the FP32 module by PyTorch."""
    lines = ["| model | threads | tenfold ms | eager ms | faster by | torch.compile ms | faster by |", "|---" * 7 + "|"]
    for threads in (1, 2):
        for name, compiled in AGAINST_TORCH:
            family, function = row(name).options["module"].split(":")
            engines = ("tenfold", "torch", *(["torch.compile"] if compiled and threads > 1 else []))
            path = str(models / f"{name}.int8_ort.onnx")
            module = f"tools/zoo/{family}.py:{function}"
            result = bench.measure(path, engines, threads, seconds, feeds=feeds(name, 1)[0], torch_from=module)
            cells = [f"{result['engines']['tenfold']['median']:.2f}"]
            for engine in engines[1:]:
                median = result["engines"][engine]["median"]
                cells += [f"{median:.2f}", f"{median / result['engines']['tenfold']['median']:.1f}"]
            lines.append(f"| {name} | {threads} | " + " | ".join(cells + ["-"] * (5 - len(cells))) + " |")
            print(lines[-1], flush=True)
    return "\n".join(lines)


def loaded(models: Path, seconds: float) -> str:
    """A Markdown table of loading times."""
    loads = []
    for threads in (1, 2):
        for name in LOADED:
            path = str(models / f"{name}.onnx")
            loads.append(loading.measure(path, ("tenfold", *PEERS), threads, 2 * seconds, feeds=feeds(name, 1)[0]))
            print(loading.table(loads[-1:]).splitlines()[-1], flush=True)
    return loading.table(loads)


def session_by_isa(path: str) -> dict[str, tenfold.InferenceSession]:
    """A session on one thread for every instruction set of this CPU, the best first."""
    sessions = {}
    for isa in ("amx", "avx512_vnni", "avx_vnni", "avx2"):
        try:
            sessions[isa] = tenfold.InferenceSession(path, tenfold.SessionOptions(1, isa=isa))
        except tenfold.TenfoldError as error:
            if error.code != "unsupported":
                raise
    return sessions


def by_instruction_set(models: Path, seconds: float) -> str:
    """A Markdown table: INT8 and FP32 on every instruction set of this CPU, forced, interleaved."""
    lines = ["| model | ISA | INT8 ms | over the best ISA's | FP32 ms | INT8 over FP32 |", "|---" * 6 + "|"]
    for name in ("mobilenet_v2", "efficientnet_lite0", "resnet50"):
        runs, feed = {}, feeds(name, 1)[0]
        for kind in (".int8_ort", ""):
            for isa, session in session_by_isa(str(models / f"{name}{kind}.onnx")).items():
                runs[isa + kind] = functools.partial(session.run, None, feed)
        ms = {key: statistics.median(times) for key, times in bench.interleaved(runs, 2 * seconds).items()}
        isas = [key for key in ms if "." not in key]
        best = min(ms[f"{isa}.int8_ort"] for isa in isas)
        for isa in isas:
            int8, fp32 = ms[f"{isa}.int8_ort"], ms[isa]
            lines.append(f"| {name} | {isa} | {int8:.2f} | {int8 / best:.2f} | {fp32:.2f} | {int8 / fp32:.2f} |")
            print(lines[-1], flush=True)
    return "\n".join(lines)


def planned(models: Path, seconds: float) -> str:
    """A Markdown table: what it takes to make a plan by measurement, and what it is worth."""
    lines = ["| model | threads | cold s | warm ms | by cost model ms | measured ms |", "|---" * 6 + "|"]
    before = os.environ.get("TENFOLD_TIMINGS")
    for threads in (1, 2):
        for name in PLANNED:
            path, feed = str(models / f"{name}.onnx"), feeds(name, 1)[0]
            with tempfile.TemporaryDirectory() as folder:
                os.environ["TENFOLD_TIMINGS"] = str(Path(folder) / "timings.json")
                cold, warm = (_seconds_to_plan(path, threads, feed) for _ in range(2))
                runs = {tuning: bench.native(path, feed, threads, tuning=tuning) for tuning in ("off", "cached")}
                times = bench.interleaved(runs, seconds)
            medians = [f"{statistics.median(t):.2f}" for t in times.values()]
            lines.append(f"| {name} | {threads} | {cold:.2f} | {1e3 * warm:.1f} | " + " | ".join(medians) + " |")
            print(lines[-1], flush=True)
    os.environ.pop("TENFOLD_TIMINGS")
    if before is not None:
        os.environ["TENFOLD_TIMINGS"] = before
    return "\n".join(lines)


def _seconds_to_plan(path: str, threads: int, feed: bench.Feeds) -> float:
    """Models with symbolic extents are planned at the first run, so that counts too."""
    begin = time.perf_counter()
    tenfold.InferenceSession(path, tenfold.SessionOptions(threads, tuning="measure")).run(None, feed)
    return time.perf_counter() - begin


def page(models: Path, seconds: float, isa: str) -> list[str]:
    """The lines of the page, measured now."""
    cases = [(str(models / f"{name}.onnx"), feeds(name, 1)[0]) for name in MODELS]
    cases += [(quantized(models, name), feeds_of_kind(kind)[0]) for name, kind in QUANTIZED.items()]
    others = [(str(models / f"{name}.int8_ort.onnx"), feeds(name, 1)[0]) for name in OTHER_CONVNETS]
    results, general = compared(cases, seconds), compared(others, seconds)
    return [
        f"# Results: {isa}",
        "",
        f"Measured by `make bench` on {cpu_name()}, {isa}, batch 1. Medians in milliseconds, minima in brackets; all engines in",
        "one process, taking turns of five runs, on the same file. `ratio` is tenfold's median over the better peer's: below 1",
        "tenfold is faster. Files ending in `int8_ort` were quantized by ONNX Runtime's own quantizer,",
        "those in `int8_tenfold` by `tenfold.quantize_static`. PP-OCR detection and YOLO read 640 x 640 pictures.",
        "",
        bench.table(results),
        "",
        "## Other families",
        "",
        "Convolutional networks that no kernel was written for (`tools/zoo/other_convnets.py`).",
        "",
        bench.table(general),
        "",
        geometric_means(general),
        "",
        "## Against PyTorch",
        "",
        "The INT8 file by tenfold against the FP32 module by PyTorch, with as many threads.",
        "",
        against_torch(models, seconds),
        "",
        "## Exactness of INT8",
        "",
        "Cosine of the first output with that of the file run operator by operator in FP32. Sums of u8 and s8 products saturate",
        "in other engines on CPUs without VNNI.",
        "",
        exactness([case for case in cases + others if ".int8" in case[0]]),
        "",
        "## Instruction sets",
        "",
        "Each forced in turn, one thread, medians.",
        "",
        by_instruction_set(models, seconds),
        "",
        "## Planning",
        "",
        "Seconds to create a session that measures which kernels run each layer fastest, with nothing in the cache of timings (cold);",
        "milliseconds for the same with everything there (warm), both with the first run; and the median latency of the plans by cost model and by measurement.",
        "",
        planned(models, seconds),
        "",
        "## Loading",
        "",
        "From a file in the page cache to a session, and to its first result, every time in a new process (imports do not count):",
        "milliseconds to create a session / milliseconds to the first result / MB by which resident memory rises at its peak;",
        "medians. `ratio` is tenfold's time to the first result over the quicker peer's time to create a session.",
        "",
        loaded(models, seconds),
        "",
    ]


def main() -> None:
    """Measures every model and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--out", type=Path, help="default: bench/RESULTS-<isa>.md")
    parser.add_argument("--seconds", type=float, default=6)
    arguments = parser.parse_args()
    isa = tenfold.InferenceSession(str(arguments.models / "resnet18.onnx"), threads=1).get_providers()[0]
    out = arguments.out or Path(f"bench/RESULTS-{isa.removeprefix('tenfold/')}.md")
    out.write_text("\n".join(page(arguments.models, arguments.seconds, isa)))
    (out.parent / "RESULTS.md").write_text(summary.overview(out.parent))


if __name__ == "__main__":
    main()
