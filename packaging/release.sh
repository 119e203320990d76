#!/usr/bin/env bash
# Builds what is released and tries it: bash packaging/release.sh
#
# Wheel and sdist into dist/, checked by twine; the wheel installed into clean environments, with and without
# training, where the example is answered. Publishing stays by hand: twine upload dist/*
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PYTHON=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
step() { printf '\n=== %s\n' "$*"; }
size() { du -sm "$1" | cut -f1; }

step "wheel and sdist"
"$PYTHON" -m venv "$work/tools"
"$work/tools/bin/pip" install -q build twine
rm -rf dist
"$work/tools/bin/python" -m build --outdir dist . >"$work/build.log" || { tail -n 20 "$work/build.log"; exit 1; }
"$work/tools/bin/twine" check --strict dist/*
ls -lh dist

try() {
    local name=$1 extra=$2
    step "a clean environment, $name"
    "$PYTHON" -m venv "$work/$name"
    local bare
    bare=$(size "$work/$name")
    "$work/$name/bin/pip" install -q -c constraints.txt "$(echo dist/*.whl)$extra"
    echo "$(($(size "$work/$name") - bare)) MB installed"
    (cd "$work" && "$work/$name/bin/python" -c '
import xgeom_core as xgeom
answer = xgeom.locate(xgeom.example_file())
assert answer.ok, answer.reason
print(answer)')
    (cd "$work" && "$work/$name/bin/xgeom" predict "$("$work/$name/bin/python" -c 'import xgeom_core as x; print(x.example_file())')")
}
try predicting ""
try training "[train]"
step "all well; to publish: twine upload dist/*"
