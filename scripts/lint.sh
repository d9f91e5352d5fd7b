#!/usr/bin/env bash
# Mends what the tools can mend.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/ruff check --fix .
.venv/bin/ruff format .
