"""What `tenfold optimize` promises where data, target or user get in the way: exit code, message, nothing half-written."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import tenfold

from tests.python.conftest import model_path
from tests.python.test_cli import NAME, TOOL, tool

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason=f"{TOOL} is not built")


def tensor_dataset(folder: Path, count: int, seed: int) -> Path:
    """Noise as .npy files, without labels."""
    folder.mkdir()
    (folder / "dataset.json").write_text(json.dumps({"kind": "tensors"}))
    rng = np.random.default_rng(seed)
    for index in range(count):
        np.save(folder / f"{index:03}.npy", rng.standard_normal((1, 3, 224, 224), np.float32))
    return folder


def optimize(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs the search on `data` and `calib` under `tmp_path`."""
    return tool("optimize", model_path(NAME), "--data", tmp_path / "data", "--calibration", tmp_path / "calib",
                "-o", tmp_path / "out", "--threads", "2", *words)  # fmt: skip


def label(folder: Path, labels: list[str]) -> None:
    """Makes a folder of tensors a labelled one."""
    files = sorted(path.name for path in folder.glob("*.npy"))
    (folder / "dataset.json").write_text(json.dumps({"kind": "tensors", "labels": "labels.tsv"}))
    rows = (f"{file}\t{text}\n" if text else f"{file}\n" for file, text in zip(files, labels, strict=True))
    (folder / "labels.tsv").write_text("".join(rows))


def own_classes(folder: Path) -> list[str]:
    """The FP32 model's best class for every sample."""
    session = tenfold.InferenceSession(model_path(NAME), threads=2)
    name = session.get_inputs()[0].name
    return [str(int(session.run(None, {name: np.load(path)})[0].argmax())) for path in sorted(folder.glob("*.npy"))]


def nothing_written(tmp_path: Path) -> bool:
    return not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    tensor_dataset(tmp_path / "calib", 6, 1)
    return tensor_dataset(tmp_path / "data", 12, 2)


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_calibration_that_is_not_finite(tmp_path: Path, data: Path, value: float, word: str) -> None:
    bad = tmp_path / "calib" / "003.npy"
    array = np.load(bad)
    array.flat[7] = value
    np.save(bad, array)
    result = optimize(tmp_path, "--metric", "cosine")
    assert result.returncode == 1
    assert word in result.stderr
    assert "sample 3" in result.stderr
    assert nothing_written(tmp_path)


@pytest.mark.parametrize("folder", ["data", "calib"])
def test_sample_of_another_shape(tmp_path: Path, data: Path, folder: str) -> None:
    np.save(tmp_path / folder / "002.npy", np.zeros((1, 3, 20, 20, 1), np.float32))
    result = optimize(tmp_path, "--metric", "cosine")
    assert result.returncode == 1
    assert "20" in result.stderr
    assert nothing_written(tmp_path)


def test_labels_that_are_no_classes(tmp_path: Path, data: Path) -> None:
    label(data, ["cat"] * 12)
    result = optimize(tmp_path, "--metric", "top1")
    assert result.returncode == 1
    assert "'cat' is not a class index" in result.stderr
    assert nothing_written(tmp_path)


def test_a_label_that_is_missing(tmp_path: Path, data: Path) -> None:
    label(data, ["1"] * 11 + [""])
    result = optimize(tmp_path, "--metric", "top1")
    assert result.returncode == 1
    assert "011.npy" in result.stderr
    assert nothing_written(tmp_path)


def test_labels_file_that_is_missing(tmp_path: Path, data: Path) -> None:
    (data / "dataset.json").write_text(json.dumps({"kind": "tensors", "labels": "labels.tsv"}))
    result = optimize(tmp_path, "--metric", "top1")
    assert result.returncode == 1
    assert "labels.tsv" in result.stderr


def test_a_dozen_samples_certify_nothing(tmp_path: Path, data: Path) -> None:
    label(data, own_classes(data))
    result = optimize(tmp_path, "--metric", "top1", "--max-drop", "1%", "--json")
    report = json.loads(result.stdout)
    assert all(c["certificate"] != "certified" for c in report["candidates"][1:])
    # 0 only where no allowed candidate was faster than FP32.
    assert (result.returncode, report["verdict"]) in {(4, "too little data"), (0, "met")}
    assert report["samples_wanted"] > 12 or report["chosen"] == "fp32"
    assert (tmp_path / "out" / "model.onnx").exists()


def test_a_latency_out_of_reach(tmp_path: Path, data: Path) -> None:
    result = optimize(tmp_path, "--metric", "cosine", "--max-drop", "90%", "--latency", "0.001ms")
    assert result.returncode == 3
    assert "missed" in result.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["model.onnx", "report.json"]


@pytest.mark.parametrize("seconds", [1, 3, 6])
def test_interrupt_in_the_middle(tmp_path: Path, seconds: float) -> None:
    tensor_dataset(tmp_path / "calib", 4, 1)
    tensor_dataset(tmp_path / "data", 200, 2)
    process = subprocess.Popen(
        [TOOL, "optimize", model_path(NAME), "--data", tmp_path / "data", "--calibration", tmp_path / "calib", "--metric", "cosine",
         "--max-drop", "50%", "--threads", "1", "-o", tmp_path / "out"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "cancelled" in stderr
    assert list((tmp_path / "out").iterdir()) == []
