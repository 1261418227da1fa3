"""Draws `docs/speed.svg` from the first table of a results page: the time of every INT8 network beside the better peer's."""

from __future__ import annotations

import argparse
import html
from pathlib import Path

ROW, LABEL, SCALE, TOP = 26, 210, 420, 58
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f } .quiet { fill: #57606a } .title { font-weight: 600; font-size: 15px }
.peer { fill: #d0d7de } .ours { fill: #1a7f37 } .axis { stroke: #8c959f; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .quiet { fill: #9198a1 } .peer { fill: #3d444d } .ours { fill: #3fb950 } .axis { stroke: #6e7681 }
}
"""


def rows(page: str, threads: str) -> list[tuple[str, float, float]]:
    """Name, milliseconds of tenfold and of the better peer, for INT8 files on so many threads."""
    lines = page.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("| model | threads | tenfold ms"))
    engines = [cell.strip().removesuffix(" ms") for cell in lines[head].split("|")[3:-2]]
    found = []
    for line in lines[head + 2 :]:
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) < 3:
            break
        if cells[1] == threads and ".int8" in cells[0]:
            times = {engine: float(cell.split()[0]) for engine, cell in zip(engines, cells[2:], strict=False)}
            ours = times.pop("tenfold")
            found.append((cells[0].split(".")[0], ours, min(times.values())))
    return found


def svg(found: list[tuple[str, float, float]], subtitle: str) -> str:
    """One bar for each network, as long as its share of the better peer's time, over a bar for the peer."""
    height, width = TOP + ROW * len(found) + 12, LABEL + SCALE + 170
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
        f"<style>{STYLE}</style>",
        '<text class="title" x="8" y="20">INT8 latency, the better of ONNX Runtime and OpenVINO = 1</text>',
        f'<text class="quiet" x="8" y="40">{html.escape(subtitle)}</text>',
    ]
    for i, (name, ours, best) in enumerate(found):
        y, share = TOP + ROW * i, ours / best
        parts += [
            f'<text x="{LABEL - 8}" y="{y + 15}" text-anchor="end">{html.escape(name)}</text>',
            f'<rect class="peer" x="{LABEL}" y="{y + 3}" width="{SCALE}" height="16" rx="2"/>',
            f'<rect class="ours" x="{LABEL}" y="{y + 3}" width="{SCALE * min(share, 1.25):.0f}" height="16" rx="2"/>',
            f'<text x="{LABEL + SCALE + 10}" y="{y + 15}">{share:.2f}</text>',
            f'<text class="quiet" x="{LABEL + SCALE + 48}" y="{y + 15}">{ours:.1f} / {best:.1f} ms</text>',
        ]
    x = LABEL + SCALE
    parts += [f'<line class="axis" x1="{x}" x2="{x}" y1="{TOP - 4}" y2="{height - 8}"/>', "</svg>", ""]
    return "\n".join(parts)


def main() -> None:
    """Reads the page and writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--threads", default="1")
    parser.add_argument("--out", type=Path, default=Path("docs/speed.svg"))
    arguments = parser.parse_args()
    page = arguments.page.read_text()
    machine = next((line.split(" on ", 1)[1].split(",")[0] for line in page.splitlines() if line.startswith("Measured by")), "")
    isa = arguments.page.stem.removeprefix("RESULTS-").upper().replace("_", "-")
    arguments.out.write_text(svg(rows(page, arguments.threads), f"{machine}, {isa}, {arguments.threads} thread, batch 1, ms in medians"))


if __name__ == "__main__":
    main()
