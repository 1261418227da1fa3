"""tenfold: trained neural networks, quantized, optimized and proven fast on the machine at hand.

`InferenceSession` runs a model and is shaped like ONNX Runtime's; `quantize_static`, `quantize_dynamic` and `optimize`
turn a trained model into a deployable one.
"""

from tenfold._core import TenfoldError
from tenfold.optimization import optimize, quantize_dynamic, quantize_static
from tenfold.session import InferenceSession, NodeArg, SessionOptions

__all__ = ["InferenceSession", "NodeArg", "SessionOptions", "TenfoldError", "optimize", "quantize_dynamic", "quantize_static"]
__version__ = "0.1.0"
