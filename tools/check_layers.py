"""Fails where a folder of src/ includes a folder that is not below it.

The order is that of the tenfold_layer() calls in CMakeLists.txt, so there is one list.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def layers() -> list[str]:
    """Layer names, lowest first; the kernels layer is defined by an include of its own."""
    text = (ROOT / "CMakeLists.txt").read_text()
    return [a or "kernels" for a in re.findall(r"^(?:tenfold_layer\((\w+)|include\(cmake/kernels\.cmake\))", text, re.MULTILINE)]


def violations() -> list[str]:
    """One line for every include that points upwards."""
    order = layers()
    found = []
    for index, layer in enumerate(order):
        allowed = set(order[: index + 1])
        for path in sorted((ROOT / "src" / layer).rglob("*.[ch]pp")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                include = re.match(r'\s*#include "(\w+)/', line)
                if include and include[1] in order and include[1] not in allowed:
                    found.append(f"{path.relative_to(ROOT)}:{number}: {layer} may not include {include[1]}")
    return found


def main() -> int:
    """Prints the violations; returns the exit code."""
    found = violations()
    print("\n".join(found) if found else f"layers: {len(layers())} in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
