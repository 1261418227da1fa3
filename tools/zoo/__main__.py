"""Command line: writes the models named (default: all) and skips those up to date."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tools.zoo.make import make
from tools.zoo.table import ROWS


def main() -> int:
    """Parses the arguments, makes each model, and says what was done. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.zoo", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help="models to write (default: all)")
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder to write to (default: models)")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    parser.add_argument("--force", action="store_true", help="write even what is up to date")
    arguments = parser.parse_args()
    known = [row.name for row in ROWS]
    if arguments.list:
        print("\n".join(known))
        return 0
    unknown = sorted(set(arguments.names) - set(known))
    if unknown:
        parser.error(f"no such model: {', '.join(unknown)}; --list prints the names")
    for name in arguments.names or known:
        begin = time.monotonic()
        done = make(name, arguments.out, force=arguments.force)
        path = arguments.out / f"{name}.onnx"
        state = f"written in {time.monotonic() - begin:.1f} s" if done else "up to date"
        print(f"{name:36} {path.stat().st_size / 1e6:8.1f} MB  {state}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
