"""How long an engine takes from a file on disk to its first result, and how much memory that needs.

Every measurement is a process of its own that runs this module: a second session in one process would find warm allocators,
loaded plugins and started threads. Engines take turns, so that all meet the same noise. Imports are not counted, and the file
is in the page cache.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tenfold import bench, checks

MIN_ROUNDS = 5
KEYS = ("create", "first_result", "peak_mb")
PREFIX = "input "


def _status_kb(field: str) -> int:
    """A field of /proc/self/status in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise OSError(f"/proc/self/status has no {field}")


def measure_here(engine: str, path: str, feeds: bench.Feeds, threads: int) -> dict[str, float]:
    """Creates one session in this process and runs it once.

    Returns:
        Milliseconds until the session exists (`create`) and until its first result (`first_result`), and by how many MB the
        resident memory rose above what it was before, at its peak (`peak_mb`).
    """
    importlib.import_module(engine)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = _status_kb("VmRSS")
    begin = time.perf_counter()
    run = bench.ENGINES[engine](path, feeds, threads)
    created = time.perf_counter()
    run()
    done = time.perf_counter()
    peak = (_status_kb("VmHWM") - before) * 1024 / 1e6
    return {"create": 1e3 * (created - begin), "first_result": 1e3 * (done - begin), "peak_mb": peak}


def _measure_in_process(engine: str, path: str, feeds_file: str, threads: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tenfold.loading", engine, path, feeds_file, str(threads)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise checks.error("unsupported", f"{engine} on {path}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def measure(path: str, engines: Sequence[str], threads: int, seconds: float, *, feeds: bench.Feeds) -> dict[str, Any]:
    """Loads the model with every engine in turn, each time in a new process, for about `seconds` in all.

    Returns:
        model, threads, and for every engine the number of runs and the medians of what `measure_here` returns.
    """
    unknown = sorted(set(engines) - set(bench.ENGINES))
    if unknown:
        raise checks.invalid(f"--load cannot measure {', '.join(unknown)}; it knows {', '.join(bench.ENGINES)}")
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in engines}
    with tempfile.TemporaryDirectory() as folder:
        feeds_file = os.path.join(folder, "feeds.npz")
        # np.savez has parameters of its own, which are possible names of inputs.
        np.savez(feeds_file, **{PREFIX + name: array for name, array in feeds.items()})  # type: ignore[arg-type]
        end = time.perf_counter() + seconds
        rounds = 0
        while rounds < MIN_ROUNDS or time.perf_counter() < end:
            order = list(engines[rounds % len(engines) :]) + list(engines[: rounds % len(engines)])
            for name in order:
                samples[name].append(_measure_in_process(name, path, feeds_file, threads))
            rounds += 1
    summary = {
        name: {"runs": len(runs), **{key: statistics.median(run[key] for run in runs) for key in KEYS}}
        for name, runs in samples.items()
    }
    return {"model": os.path.basename(path), "threads": threads, "engines": summary}


def ratio_to_creation(result: Mapping[str, Any]) -> float | None:
    """tenfold's time to the first result over the quickest peer's time to create a session. None without peers."""
    peers = [e["create"] for name, e in result["engines"].items() if name != "tenfold"]
    return result["engines"]["tenfold"]["first_result"] / min(peers) if peers else None


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """The results as a Markdown table: for each engine creation ms / first result ms / peak MB, and the ratio."""
    names = list(results[0]["engines"])
    lines = ["| model | threads | " + " | ".join(names) + " | ratio |", "|---" * (len(names) + 3) + "|"]
    for result in results:
        cells = [f"{e['create']:.1f} / {e['first_result']:.1f} / {e['peak_mb']:.0f}" for e in result["engines"].values()]
        ratio = ratio_to_creation(result)
        lines.append(f"| {result['model']} | {result['threads']} | " + " | ".join(cells) + f" | {'-' if ratio is None else f'{ratio:.2f}'} |")
    return "\n".join(lines)


def main() -> None:
    """One measurement: engine, model, file of feeds, threads. Prints it as JSON."""
    engine, path, feeds_file, threads = sys.argv[1:]
    with np.load(feeds_file) as arrays:
        feeds = {name.removeprefix(PREFIX): arrays[name] for name in arrays.files}
    print(json.dumps(measure_here(engine, path, feeds, int(threads))))


if __name__ == "__main__":
    main()
