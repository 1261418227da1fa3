"""Makes one row of the table: up to date or not, the model it derives from first, written whole or not at all."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import tempfile
from importlib import metadata
from pathlib import Path

from tools.zoo.table import Row, row

HERE = Path(__file__).resolve().parent
SHARED_SOURCES = ("export", "healthy", "inputs", "layers")
PACKAGES = ("torch", "onnx", "onnxruntime", "nncf", "transformers", "rapidocr-onnxruntime")


def make(name: str, out: Path, force: bool = False) -> bool:
    """Writes `out/name.onnx` (and first the model that it derives from) unless it is up to date. True if written."""
    wanted = row(name)
    if wanted.base:
        make(wanted.base, out)
    path, stamp, current = out / f"{name}.onnx", out / ".zoo" / name, fingerprint(wanted)
    if not force and path.exists() and stamp.exists() and stamp.read_text() == current:
        return False
    out.mkdir(parents=True, exist_ok=True)
    stamp.parent.mkdir(exist_ok=True)
    module, function = wanted.recipe.split(":")
    # A folder of its own, since external data goes into a second file beside the model.
    with tempfile.TemporaryDirectory(dir=out, prefix=".making-") as folder:
        recipe = getattr(importlib.import_module(f"tools.zoo.{module}"), function)
        recipe(wanted, Path(folder) / path.name, out)
        for written in sorted(Path(folder).iterdir()):
            if written.name.startswith(path.name):
                os.replace(written, out / written.name)
            elif written.is_dir():
                shutil.rmtree(written)
    stamp.write_text(current)
    return True


def fingerprint(wanted: Row) -> str:
    """Changes when the row, the code that makes it, a package it comes from, or the model it derives from changes."""
    digest = hashlib.sha256(repr(wanted).encode())
    modules = {wanted.recipe.split(":")[0], wanted.options.get("module", "").split(":")[0]} - {""}
    for module in sorted(modules.union(SHARED_SOURCES if "module" in wanted.options else ("inputs",))):
        digest.update((HERE / f"{module}.py").read_bytes())
    for package in PACKAGES:
        try:
            digest.update(f"{package}={metadata.version(package)}".encode())
        except metadata.PackageNotFoundError:
            digest.update(f"{package}=none".encode())
    if wanted.base:
        digest.update(fingerprint(row(wanted.base)).encode())
    return digest.hexdigest()
