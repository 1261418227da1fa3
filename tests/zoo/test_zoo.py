"""The zoo's own promises: rows are sound, networks healthy, cases self-consistent, OCR data readable but not too easily.

Models are built into `$TENFOLD_MODELS` (default: models/), so that later tests find them there; without the packages of
requirements-zoo.txt these tests are skipped.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

from tests.similarity import cosine
from tools import imagenet_data
from tools.ocr_data import evaluate, render, texts
from tools.zoo import feeds, single_ops
from tools.zoo.make import make
from tools.zoo.table import ROWS, row

MODELS = Path(os.environ.get("TENFOLD_MODELS", "models"))


def session(name: str) -> onnxruntime.InferenceSession:
    """The model of that name, built if need be, run operator by operator: fused INT8 sums saturate without VNNI."""
    make(name, MODELS)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(MODELS / f"{name}.onnx"), options)


def test_names_are_unique_and_bases_exist():
    names = [entry.name for entry in ROWS]
    assert len(names) == len(set(names))
    assert all(row(entry.base) for entry in ROWS if entry.base)


def test_feeds_repeat_for_a_seed_and_differ_between_samples():
    first, second = feeds("resnet18", count=2, seed=3)
    again = feeds("resnet18", count=1, seed=3)[0]
    assert np.array_equal(first["input"], again["input"])
    assert not np.array_equal(first["input"], second["input"])


def test_a_model_is_written_once(tmp_path):
    assert make("ppocr_cls", tmp_path)
    assert not make("ppocr_cls", tmp_path)


@pytest.mark.parametrize("name", ["mobilenet_v2", "small_net.int8_torch"])
def test_seeded_networks_are_healthy(name):
    network = session(name)
    logits = np.concatenate([network.run(None, feed)[0] for feed in feeds(name, 6, seed=5)])
    assert np.isfinite(logits).all()
    assert 1 < logits.std() < 20
    assert len(set(logits.argmax(1))) >= 3
    assert np.corrcoef(logits)[np.triu_indices(6, 1)].mean() < 0.8


def test_quantized_variant_stays_close():
    original, quantized = session("mobilenet_v2"), session("mobilenet_v2.int8_ort")
    for feed in feeds("mobilenet_v2", 3, seed=5):
        assert cosine(original.run(None, feed)[0], quantized.run(None, feed)[0]) > 0.97


def test_single_operator_cases_are_many_and_repeat():
    first = list(single_ops.cases("conv_3x3"))
    again = list(single_ops.cases("conv_3x3"))
    assert {case.kind for case in first} == {"fp32", "qdq"}
    for one, other in zip(first, again, strict=True):
        assert one.model == other.model
        assert all(np.array_equal(a, b) for a, b in zip(one.expected, other.expected, strict=True))


def test_quantized_cases_use_their_range():
    for case in single_ops.cases("qdq_conv_3x3"):
        limits = np.iinfo(case.expected[0].dtype)
        assert case.expected[0].min() == limits.min
        assert case.expected[0].max() == limits.max


def test_ocr_sets_share_no_line():
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:/-$%@ ")
    calibration = texts.texts(50, allowed, 0)
    evaluation = texts.texts(200, allowed, 1, set(calibration))
    assert len(set(evaluation)) == 200
    assert not set(calibration) & set(evaluation)


def test_ocr_lines_repeat_and_fit():
    one, other = render.line("Hello 42", (0, 1, 2)), render.line("Hello 42", (0, 1, 2))
    assert np.array_equal(np.asarray(one), np.asarray(other))
    assert one.width / one.height <= render.WIDEST + 1e-9


def test_ocr_difficulty(tmp_path):
    """FP32 reads 90 to 97 % of the lines exactly; 400 of them leave room for chance."""
    from tools.ocr_data.__main__ import PRINTABLE, write_set

    make("ppocr_rec", MODELS)
    model = MODELS / "ppocr_rec.onnx"
    lines = texts.texts(400, PRINTABLE & set(evaluate.alphabet(model)), 1)
    write_set(tmp_path / "evaluation", lines, 0, 1, processes=2)
    assert 0.88 <= evaluate.exact_share(evaluate.read_lines(model, tmp_path / "evaluation", threads=2)) <= 0.98


def test_imagenet_manifests(tmp_path):
    folder = imagenet_data.find_pictures()
    if folder is None:
        pytest.skip("the ImageNet pictures are not here (TENFOLD_TEST_DATA)")
    imagenet_data.write_manifest(tmp_path, folder, [1, 2])
    assert (tmp_path / "labels.tsv").read_text().splitlines()[0].endswith("0001.jpg\t1")


def test_missing_imagenet_pictures_are_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TENFOLD_TEST_DATA", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["imagenet_data", "--out", str(tmp_path / "out")])
    assert imagenet_data.main() == imagenet_data.MISSING_EXIT_CODE
    assert "TENFOLD_TEST_DATA" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_lite0_accuracy():
    if imagenet_data.find_pictures() is None:
        pytest.skip("the ImageNet pictures are not here (TENFOLD_TEST_DATA)")
    make("efficientnet_lite0", MODELS)
    right, total = imagenet_data.top1(MODELS / "efficientnet_lite0.onnx", threads=2)
    assert total == 800
    assert abs(right - 647) <= 2
