#!/usr/bin/env bash
# Installs what is missing: Debian packages (as root or through sudo) and the Python environment.  Quick when all is there.
# install_deps.sh [ENVIRONMENT [FURTHER PACKAGES...]]
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${1:-.venv}

packages=(g++ cmake ninja-build git python3 python3-venv python3-dev libfmt-dev libprotozero-dev libgtest-dev libbenchmark-dev libsimde-dev
          libcli11-dev nlohmann-json3-dev libsimdjson-dev libjpeg62-turbo-dev libpng-dev zlib1g-dev libssl-dev
          fonts-dejavu-core fonts-dejavu-extra fonts-liberation fonts-freefont-ttf "${@:2}")
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
  if [[ $(id -u) == 0 ]]; then as_root=(); elif command -v sudo >/dev/null; then as_root=(sudo); else
    echo "These packages are missing and need root to install: ${missing[*]}" >&2
    exit 1
  fi
  echo "Installing Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

mkdir -p build
stamp=$venv/.installed
wanted=$(cat requirements-*.txt | sha256sum)
if [[ ! -x $venv/bin/python || "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]]; then
  echo "Setting up the Python environment in $venv"
  [[ -x $venv/bin/python ]] || python3 -m venv "$venv"
  # torch comes first: the pinned build is the CPU one, and what needs torch then finds it there.
  "$venv/bin/python" -m pip install -q --disable-pip-version-check "$(grep -h '^torch==' requirements-*.txt)"
  for file in requirements-*.txt; do "$venv/bin/python" -m pip install -q --disable-pip-version-check -r "$file"; done
  echo "$wanted" >"$stamp"
fi
