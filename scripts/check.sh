#!/usr/bin/env bash
# Style, types and arrows; changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

say "Checking style (ruff), types (mypy --strict) and arrows (import-linter)"
"$python" -m ruff check --quiet .
"$python" -m ruff format --check --quiet .
"$python" -m mypy --strict app validate_production.py
.venv/bin/lint-imports --no-cache > /tmp/atalaia-lint-imports.$$ 2>&1 || { cat /tmp/atalaia-lint-imports.$$; rm -f /tmp/atalaia-lint-imports.$$; exit 1; }
rm -f /tmp/atalaia-lint-imports.$$
