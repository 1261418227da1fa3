"""`python -m tenfold`: the commands that need other engines' Python packages."""

from __future__ import annotations

import argparse
import json
import math
import sys
from typing import Any

from tenfold import TenfoldError, loading
from tenfold.bench import ENGINES, TORCH_ENGINES, measure, random_feeds, symbols, table


def _extent(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise argparse.ArgumentTypeError(f"'{text}': write name=value, with a whole number of 1 or more")
    return name, int(value)


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0 or not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return value


def _bench(arguments: argparse.Namespace, engines: list[str]) -> list[dict[str, Any]]:
    results = []
    for model in arguments.models:
        feeds = random_feeds(model, dict(arguments.extent))
        if arguments.load:
            results.append(loading.measure(model, engines, arguments.threads, arguments.seconds, feeds=feeds))
        else:
            tuning = "measure" if arguments.tune else "cached"
            results.append(measure(model, engines, arguments.threads, arguments.seconds, feeds=feeds,
                                   torch_from=arguments.torch, tuning=tuning))  # fmt: skip
    return results


def main() -> int:
    """Parses the arguments and runs the command. Returns the exit code: 0 done, 1 error, 2 usage."""
    peers = [name for name in ENGINES if name != "tenfold"] + list(TORCH_ENGINES)
    parser = argparse.ArgumentParser(prog="python -m tenfold", description=__doc__)
    commands = parser.add_subparsers(required=True)
    bench = commands.add_parser("bench", help="latency of tenfold and peers on the same file, interleaved")
    bench.add_argument("models", nargs="+", help="ONNX models")
    bench.add_argument("--compare", default="", help=f"comma-separated peers: {', '.join(peers)}")
    bench.add_argument(
        "--torch", metavar="FILE.py:NAME", help="the module behind the models, or a function that makes it, for torch peers"
    )
    bench.add_argument("--load", action="store_true", help="time from the file to the first result, in fresh processes")
    bench.add_argument("--tune", action="store_true", help="measure first which kernels run each layer fastest, and remember it")
    bench.add_argument("--threads", type=int, default=1)
    bench.add_argument("--seconds", type=_seconds, default=10, help="time for each model")
    bench.add_argument("--extent", type=_extent, action="append", default=[], help="value of a symbolic extent, name=value")
    bench.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    engines = ["tenfold", *filter(None, arguments.compare.split(","))]
    unknown = sorted(set(engines) - {"tenfold", *peers})
    if unknown:
        parser.error(f"no such engine: {', '.join(unknown)}")
    if set(engines) & set(TORCH_ENGINES) and not arguments.torch:
        parser.error("--compare torch needs --torch FILE.py:NAME: an ONNX file does not run in PyTorch")
    if arguments.torch and not set(engines) & set(TORCH_ENGINES):
        parser.error("--torch needs a torch peer: --compare torch")
    try:
        absent = sorted({name for name, _ in arguments.extent} - symbols(arguments.models)) if arguments.extent else []
        if absent:
            parser.error(f"no input has an extent named {', '.join(absent)} (tenfold inspect lists them)")
        results = _bench(arguments, engines)
    except KeyboardInterrupt:
        print("tenfold: cancelled", file=sys.stderr)
        return 1
    except (TenfoldError, OSError) as error:
        print(f"tenfold: {error}", file=sys.stderr)
        return 1
    as_table = loading.table if arguments.load else table
    print(json.dumps(results, indent=2) if arguments.json else as_table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
