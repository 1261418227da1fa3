"""The session surface: shapes of ONNX Runtime, and typed errors for every misuse."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import numpy as np
import pytest
import tenfold

from tests.python.conftest import model_path
from tools.zoo.inputs import feeds

NAME = "resnet18"


@pytest.fixture(scope="module")
def session() -> tenfold.InferenceSession:
    return tenfold.InferenceSession(model_path(NAME), threads=1)


@pytest.fixture(scope="module")
def feed() -> dict[str, np.ndarray]:
    return feeds(NAME, 1)[0]


def test_describes_inputs_and_outputs(session: tenfold.InferenceSession) -> None:
    (argument,) = session.get_inputs()
    assert argument.type == "tensor(float)"
    assert argument.shape[1:] == [3, 224, 224]
    assert session.get_outputs()[0].shape[-1] == 1000


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", ["resnet18.int8_ort", "mobilenet_v2.int8_ort"])
def test_measured_choices_change_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, threads: int) -> None:
    monkeypatch.setenv("TENFOLD_TIMINGS", str(tmp_path / "timings.json"))
    feed = feeds(name, 1)[0]
    outputs = [
        tenfold.InferenceSession(model_path(name), tenfold.SessionOptions(threads, tuning=tuning)).run(None, feed)[0]
        for tuning in ("off", "measure", "cached")
    ]
    assert (tmp_path / "timings.json").exists()
    np.testing.assert_array_equal(outputs[1], outputs[0])
    np.testing.assert_array_equal(outputs[2], outputs[0])


def test_unknown_tuning() -> None:
    with pytest.raises(tenfold.TenfoldError, match="tuning must be off, cached or measure") as caught:
        tenfold.InferenceSession(model_path(NAME), tenfold.SessionOptions(tuning="sometimes"))
    assert caught.value.code == "invalid argument"


def test_bytes_load_like_files(session: tenfold.InferenceSession, feed: dict[str, np.ndarray]) -> None:
    from_bytes = tenfold.InferenceSession(model_path(NAME).read_bytes(), threads=1)
    np.testing.assert_array_equal(from_bytes.run(None, feed)[0], session.run(None, feed)[0])


def test_results_outlive_the_session(feed: dict[str, np.ndarray]) -> None:
    session = tenfold.InferenceSession(model_path(NAME), threads=1)
    result = session.run(None, feed)[0]
    copy = result.copy()
    del session
    gc.collect()
    np.testing.assert_array_equal(result, copy)


def test_threads_may_share_a_session(session: tenfold.InferenceSession, feed: dict[str, np.ndarray]) -> None:
    expected = session.run(None, feed)[0]
    results: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: results.append(session.run(None, feed)[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for result in results:
        np.testing.assert_array_equal(result, expected)


def test_non_contiguous_input(session: tenfold.InferenceSession, feed: dict[str, np.ndarray]) -> None:
    name, array = next(iter(feed.items()))
    strided = np.repeat(array, 2, axis=-1)[..., ::2]
    np.testing.assert_array_equal(session.run(None, {name: strided})[0], session.run(None, feed)[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda feed: {}, "missing"),
        (lambda feed: {**feed, "other": np.zeros(1, np.float32)}, "unknown"),
        (lambda feed: {k: v.astype(np.float64) for k, v in feed.items()}, "must be float32"),
        (lambda feed: {k: v[:, :2] for k, v in feed.items()}, "must be f32"),
        (lambda feed: {k: v[0] for k, v in feed.items()}, "must be f32"),
    ],
)
def test_misuse_is_a_typed_error(session, feed, change, message) -> None:
    with pytest.raises(tenfold.TenfoldError, match=message) as caught:
        session.run(None, change(feed))
    assert caught.value.code == "invalid argument"


def test_unknown_output_name(session: tenfold.InferenceSession, feed: dict[str, np.ndarray]) -> None:
    with pytest.raises(tenfold.TenfoldError, match="no outputs"):
        session.run(["nonsense"], feed)


def test_missing_file() -> None:
    with pytest.raises(tenfold.TenfoldError, match="absent.onnx") as caught:
        tenfold.InferenceSession("absent.onnx")
    assert caught.value.code in ("not found", "I/O error")


@pytest.mark.parametrize(("path", "message"), [("a\0b.onnx", "NUL"), ("\udcff.onnx", "UTF-8")])
def test_names_that_no_file_has(path: str, message: str) -> None:
    with pytest.raises(tenfold.TenfoldError, match=message) as caught:
        tenfold.InferenceSession(path)
    assert caught.value.code == "invalid argument"


@pytest.mark.parametrize("keep", [0, 1, 100, 5000, -1])
def test_truncated_file(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cut.onnx"
    path.write_bytes(model_path(NAME).read_bytes()[:keep])
    with pytest.raises(tenfold.TenfoldError):
        tenfold.InferenceSession(path)


def test_read_only_arrays_are_inputs() -> None:
    session = tenfold.InferenceSession(model_path("resnet18"), threads=1)
    feed = feeds("resnet18", 1)[0]
    frozen = {name: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape) for name, array in feed.items()}
    assert not any(array.flags.writeable for array in frozen.values())
    np.testing.assert_array_equal(session.run(None, frozen)[0], session.run(None, feed)[0])
