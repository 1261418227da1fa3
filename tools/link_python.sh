#!/usr/bin/env bash
# Makes the package importable in the environment straight from the checkout and the build folder: link_python.sh PYTHON BUILD
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
site=$("$1" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cp "$root/$2"/python/_core*.so "$root/python/tenfold/"
echo "$root/python" >"$site/tenfold-checkout.pth"
"$1" -c 'import tenfold'
