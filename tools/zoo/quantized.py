"""Quantized variants by other tools, as users bring them: ONNX Runtime static and dynamic, and NNCF."""

from __future__ import annotations

import logging
from pathlib import Path

import onnx
from onnx import version_converter
from tools.zoo.inputs import feeds
from tools.zoo.table import Row

CALIBRATION_SAMPLES = 32
PER_CHANNEL_OPSET = 13


def calibration(name: str, count: int = CALIBRATION_SAMPLES) -> list[dict]:
    """Feeds to calibrate `name` with: ImageNet pictures for EfficientNet-Lite0 where they are at hand, else synthetic."""
    if name.startswith("efficientnet_lite0"):
        from tools.imagenet_data import calibration_feeds

        real = calibration_feeds(count)
        if real:
            return real
    return feeds(name, count, seed=100)


class _Reader:
    """ONNX Runtime's calibration reader over a list."""

    def __init__(self, samples: list[dict]):
        self._samples = iter(samples)

    def get_next(self) -> dict | None:
        return next(self._samples, None)


def _prepared(source: Path, path: Path) -> Path:
    """`source` at an opset that knows per-channel QDQ, with batch norms folded and shapes inferred, beside `path`."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    model = onnx.load(source)
    if next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx")) < PER_CHANNEL_OPSET:
        model = version_converter.convert_version(model, PER_CHANNEL_OPSET)
    # By path: given a model in memory, the preprocessing fails where weights are Constant nodes (PP-OCR).
    upgraded, prepared = path.parent / "upgraded.onnx", path.parent / "prepared.onnx"
    onnx.save(model, upgraded)
    quant_pre_process(str(upgraded), str(prepared), skip_symbolic_shape=True)
    return prepared


def ort_static(row: Row, path: Path, directory: Path) -> None:
    """Static QDQ. Options: `activation` and `weight` ("QUInt8", "QInt8"), `per_channel`, `method`, `ops`."""
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    logging.getLogger().setLevel(logging.ERROR)
    options = row.options
    quantize_static(
        str(_prepared(directory / f"{row.base}.onnx", path)),
        str(path),
        _Reader(calibration(row.base)),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=options.get("ops"),
        per_channel=options.get("per_channel", True),
        activation_type=QuantType[options.get("activation", "QUInt8")],
        weight_type=QuantType[options.get("weight", "QInt8")],
        calibrate_method=CalibrationMethod[options.get("method", "MinMax")],
    )


def ort_dynamic(row: Row, path: Path, directory: Path) -> None:
    """Dynamic quantization: weights now, activations at run time. Option: `per_channel`."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().setLevel(logging.ERROR)
    quantize_dynamic(
        str(_prepared(directory / f"{row.base}.onnx", path)),
        str(path),
        per_channel=row.options.get("per_channel", False),
        weight_type=QuantType.QInt8,
    )


def nncf_static(row: Row, path: Path, directory: Path) -> None:
    """NNCF post-training quantization with its defaults (FakeQuantize semantics, fast bias correction)."""
    import nncf

    nncf.set_log_level(logging.ERROR)
    model = onnx.load(directory / f"{row.base}.onnx")
    samples = calibration(row.base)
    onnx.save(nncf.quantize(model, nncf.Dataset(samples), subset_size=len(samples)), path)
