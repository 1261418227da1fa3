"""Arguments of the wrong kind become typed errors that say what was expected."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from tenfold._core import TenfoldError

#: As many as the engine takes.
MOST_THREADS = 1024


def error(code: str, message: str) -> TenfoldError:
    """A TenfoldError with its code."""
    result = TenfoldError(message)
    result.code = code
    return result


def invalid(message: str) -> TenfoldError:
    """The error for an argument that cannot be meant."""
    return error("invalid argument", message)


def threads(count: Any) -> int:
    """A count of threads, 0 for as many as the process may use."""
    if not isinstance(count, (int, np.integer)) or not 0 <= count <= MOST_THREADS:
        raise invalid(f"threads must be an integer from 0 to {MOST_THREADS}, not {count!r}")
    return int(count)


def reason(cause: Exception) -> str:
    """What another library says went wrong, in one line."""
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]


def text(value: Any, what: str) -> str:
    """A name as the engine takes it."""
    if not isinstance(value, str):
        raise invalid(f"{what} must be a name, not {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError as cause:
        raise invalid(f"{what} {value!r} is not UTF-8") from cause
    return value


def path(value: Any, what: str) -> str:
    """The name of a file or folder as the engine takes it."""
    if not isinstance(value, (str, os.PathLike)):
        raise invalid(f"{what} must be a path, not {type(value).__name__}")
    name = text(os.fsdecode(value), what)
    if "\0" in name:
        raise invalid(f"{what} {name!r} has a NUL character")
    return name


def array(name: str, value: Any) -> np.ndarray:
    """What is fed to input `name`, as a C-contiguous array."""
    try:
        result = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as cause:  # PyTorch: a tensor that requires grad
        raise invalid(f"input '{name}' must be an array; {type(value).__name__} is none: {cause}") from cause
    if result.dtype == object:
        raise invalid(f"input '{name}' must be an array of numbers, not {type(value).__name__}")
    if not result.dtype.isnative:
        raise invalid(f"input '{name}' has dtype {result.dtype.str}, which is not this machine's byte order")
    # ascontiguousarray makes a 0-d array 1-d, so scalars are left alone.
    return result if result.flags.c_contiguous else np.ascontiguousarray(result)


def feed(value: Any) -> dict[str, np.ndarray]:
    """One sample: an array for every input, by its name."""
    if not isinstance(value, Mapping):
        raise invalid(f"a feed maps names of inputs to arrays; {type(value).__name__} does not")
    return {name: array(name, data) for name, data in value.items()}
