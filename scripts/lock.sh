#!/usr/bin/env bash
# Pins every package anew from pyproject.toml, with hashes: config/requirements.txt, -test.txt and -offsite.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

options=(--quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-header
    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options --no-annotate)
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"$(find_python)" -m venv "$tools"
"$tools/bin/pip" install --quiet pip-tools
"$tools/bin/pip-compile" "${options[@]}" -o config/requirements.txt pyproject.toml
"$tools/bin/pip-compile" "${options[@]}" --extra test -c config/requirements.txt \
    -o config/requirements-test.txt pyproject.toml
"$tools/bin/pip-compile" "${options[@]}" --extra offsite -c config/requirements.txt \
    -o config/requirements-offsite.txt pyproject.toml
