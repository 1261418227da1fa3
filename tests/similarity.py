"""How far two tensors are apart."""

from __future__ import annotations

import numpy as np


def relative_error(actual: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference, relative to the range of the expected values."""
    if expected.size == 0:
        return 0.0
    actual, expected = actual.astype(np.float64), expected.astype(np.float64)
    spread = float(expected.max() - expected.min()) or max(abs(float(expected.max())), 1e-30)
    return float(np.abs(actual - expected).max()) / spread


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Of two tensors, as vectors."""
    a, b = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-300))
