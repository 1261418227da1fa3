"""Runs the command line tool over truncated and altered models: each must end with an exit code of its own, never a crash.

    python -m tools.corrupt_models --cli build/asan/apps/cli/tenfold --cases 300 models/single_ops/*.onnx

With a build of the `asan` preset a finding of a sanitizer counts as a crash too. What failed is kept in --keep.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

COMMANDS = (
    ("inspect", []),
    ("check", []),
    ("quantize", ["--dynamic", "-o", "{out}"]),
    ("bench", ["--seconds", "0.05"]),
)
SANITIZER = "ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer"
CODES = range(5)


def corrupt(content: bytes, rng: random.Random) -> bytes:
    """A copy with its end cut off, or with a few bits, bytes or runs of bytes changed."""
    if rng.random() < 0.2:
        return content[: rng.randrange(len(content))]
    changed = bytearray(content)
    # Names, types and dimensions stand at both ends of a file; weights fill its middle.
    reach = min(len(changed), 2000)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(reach)
        if rng.random() < 0.5:
            at = len(changed) - 1 - at
        if rng.random() < 0.5:
            changed[at] ^= 1 << rng.randrange(8)
        else:
            changed[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(changed)


def failure(command: list[str], seconds: float) -> str | None:
    """What went wrong, or None."""
    environment = dict(os.environ, UBSAN_OPTIONS="print_stacktrace=1", ASAN_OPTIONS="allocator_may_return_null=0")
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False, env=environment)
    except subprocess.TimeoutExpired:
        return f"still running after {seconds:.0f} s"
    text = done.stderr.decode(errors="replace")
    if done.returncode not in CODES or any(mark in text for mark in SANITIZER):
        return f"exit code {done.returncode}\n{text[-3000:]}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--cli", required=True)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60, help="limit for one command")
    parser.add_argument("--keep", type=Path, default=Path("corrupt"))
    args = parser.parse_args()
    rng = random.Random(args.seed)
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder, "model.onnx"), Path(folder, "out.onnx")
        for case in range(args.cases):
            model = rng.choice(args.models)
            path.write_bytes(corrupt(model.read_bytes(), rng))
            name, options = COMMANDS[case % len(COMMANDS)]
            command = [args.cli, name, str(path), *(o.format(out=out) for o in options)]
            if message := failure(command, args.seconds):
                failures += 1
                args.keep.mkdir(parents=True, exist_ok=True)
                kept = args.keep / f"{args.seed}-{case}-{name}-{model.name}"
                kept.write_bytes(path.read_bytes())
                print(f"{kept}: {message}", flush=True)
    print(f"{failures} of {args.cases} cases failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
