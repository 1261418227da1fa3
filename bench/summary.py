"""Writes `bench/RESULTS.md`, the overview of the results pages of all instruction sets beside the goals of the project."""

from __future__ import annotations

from pathlib import Path

from bench import chart

GOALS = {  # tenfold's time over that of the better peer, with AVX512-VNNI
    "mobilenet_v2": 0.50,
    "mobilenet_v3_large": 0.45,
    "efficientnet_lite0": 0.50,
    "efficientnet_b0": 0.35,
    "resnet18": 0.88,
    "resnet50": 0.88,
    "ppocr_det": 0.60,
    "ppocr_rec": 0.65,
    "yolo_n": 0.60,
}


def ratios(page: str) -> dict[str, list[str]]:
    """For every INT8 network of a page: tenfold's median over the better peer's, on one thread and on two."""
    found: dict[str, list[str]] = {}
    for threads in ("1", "2"):
        for name, ours, peer in chart.rows(page, threads):
            found.setdefault(name, []).append(f"{ours / peer:.2f}")
    return found


def overview(folder: Path) -> str:
    """The page: a row for each network, a column for each results page in `folder`."""
    pages = {p.stem.removeprefix("RESULTS-"): ratios(p.read_text()) for p in sorted(folder.glob("RESULTS-*.md"))}
    lines = [
        "# Results",
        "",
        "tenfold's median time over that of the better of ONNX Runtime and OpenVINO on the same INT8 file, batch 1, on one thread / two:",
        "below 1 tenfold is faster. The goals were set for AVX512-VNNI, where peers sum exactly too; on AVX2 they saturate.",
        "Written by `make bench` from the pages of the machines, which have the times, other families of networks, PyTorch,",
        "exactness, planning and loading: " + ", ".join(f"[{isa}](RESULTS-{isa}.md)" for isa in pages) + ".",
        "",
        "| network (INT8) | goal | " + " | ".join(pages) + " |",
        "|---" * (len(pages) + 2) + "|",
    ]
    for name, goal in GOALS.items():
        cells = [" / ".join(of.get(name, ["-"])) for of in pages.values()]
        lines.append(f"| {name} | {goal:.2f} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
