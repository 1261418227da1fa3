"""PyTorch modules: searched by `tenfold.optimize`, and peers of `python -m tenfold bench`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tenfold
from tenfold import torch_module

from tests.similarity import relative_error

torch = pytest.importorskip("torch")

SOURCE = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = torch.nn.Conv2d(3, 16, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(16)
        self.head = torch.nn.Linear(16, 10)

    def forward(self, picture, shift):
        return self.head(torch.relu(self.norm(self.conv(picture + shift))).mean((2, 3)))

class Other(torch.nn.Module):
    def forward(self, one):
        return one

def raises():
    return {}["weights"]

ready = Net()
not_a_module = 3
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(SOURCE)
    return path


def sample(seed: int, size: int = 12) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "picture": rng.standard_normal((1, 3, size, 12)).astype(np.float32),
        "shift": rng.standard_normal((1, 3, 1, 1)).astype(np.float32),
    }


def test_search_takes_a_module(tmp_path: Path, source: Path) -> None:
    module = torch_module.load(f"{source}:Net").train()
    module.eval()
    outputs = lambda feed: module(*map(torch.from_numpy, feed.values())).detach().numpy()
    data = [(feed, int(outputs(feed).argmax())) for feed in (sample(i, 12 + i % 2) for i in range(20))]
    module.train()
    out = tmp_path / "out"
    report = tenfold.optimize(
        module, data, calibration=[sample(100 + i) for i in range(8)], metric=lambda y, label: float(y[0].argmax() == label),
        max_drop=0.5, out=out,
    )  # fmt: skip
    assert report["inputs"]["model"] == "torch:Net"
    assert module.training
    session = tenfold.InferenceSession(out / "model.onnx", threads=1)
    assert [i.name for i in session.get_inputs()] == ["picture", "shift"]
    module.eval()
    for size in (12, 17):  # an axis that varied between samples is symbolic
        feed = sample(7, size)
        assert relative_error(session.run(None, feed)[0], outputs(feed)) < 0.2


def test_module_export_is_exact(tmp_path: Path, source: Path) -> None:
    module, feed = torch_module.load(f"{source}:ready"), sample(1)
    positional = {"a": feed["picture"], "b": feed["shift"]}
    for number, feeds in enumerate((feed, positional)):
        path = tmp_path / f"{number}.onnx"
        torch_module.export(module, [feeds], path)
        expected = module(*map(torch.from_numpy, feed.values())).detach().numpy()
        assert relative_error(tenfold.InferenceSession(path, threads=1).run(None, feeds)[0], expected) <= 1e-5


def test_errors_are_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def search(model: object) -> None:
        tenfold.optimize(model, [(sample(1), 0)], calibration=[sample(2)], metric=lambda y, label: 0.0, out=tmp_path / "out")

    class Refuses(torch.nn.Module):
        def forward(self, picture: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
            raise ValueError("not today")

    for model, code, message in ((3, "invalid argument", "int"), (Refuses(), "unsupported", "Refuses")):
        with pytest.raises(tenfold.TenfoldError, match=message) as caught:
            search(model)
        assert caught.value.code == code
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(tenfold.TenfoldError, match="pip install torch") as caught:
        search(Refuses())
    assert caught.value.code == "unsupported"
    assert list(tmp_path.iterdir()) == []


def bench(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tenfold", "bench", *map(str, words), "--seconds", "0.2"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_bench_against_torch(tmp_path: Path, source: Path) -> None:
    model = tmp_path / "net.onnx"
    torch_module.export(torch_module.load(f"{source}:Net"), [sample(1)], model)
    result = bench(model, "--compare", "torch,torch.compile", "--torch", f"{source}:Net", "--json")
    assert result.returncode == 0, result.stderr
    engines = json.loads(result.stdout)[0]["engines"]
    assert list(engines) == ["tenfold", "torch", "torch.compile"]
    assert all(engine["median"] > 0 for engine in engines.values())


@pytest.mark.parametrize(
    ("where", "code", "message"),
    [
        (None, 2, "--torch"),
        ("SOURCE:not_a_module", 1, "not_a_module"),
        ("nowhere.py:Net", 1, "nowhere.py"),
        ("SOURCE", 1, "file.py:attribute"),
        ("SOURCE:raises", 1, "KeyError: 'weights'"),
        ("SOURCE:Other", 1, "torch cannot run"),
        ("BROKEN:Net", 1, "SyntaxError"),
    ],
)
def test_bench_names_what_is_wrong(tmp_path: Path, source: Path, where: str | None, code: int, message: str) -> None:
    model, broken = tmp_path / "net.onnx", tmp_path / "broken.py"
    torch_module.export(torch_module.load(f"{source}:Net"), [sample(1)], model)
    broken.write_text("class Net:\n  def\n")
    words = [] if where is None else ["--torch", where.replace("SOURCE", str(source)).replace("BROKEN", str(broken))]
    result = bench(model, "--compare", "torch", *words)
    assert result.returncode == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert code == 2 or len(result.stderr.splitlines()) == 1
    if words:
        assert bench(model, *words).returncode == 2  # without --compare torch


def test_bench_refuses_another_model(tmp_path: Path, source: Path) -> None:
    model = tmp_path / "other.onnx"
    torch_module.export(torch.nn.Conv2d(3, 4, 1), [{"picture": sample(1)["picture"]}], model)
    (tmp_path / "one.py").write_text("import torch\nnet = torch.nn.Conv2d(3, 5, 1)\n")
    result = bench(model, "--compare", "torch", "--torch", f"{tmp_path / 'one.py'}:net")
    assert result.returncode == 1
    assert "not the same model" in result.stderr
