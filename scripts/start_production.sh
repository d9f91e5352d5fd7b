#!/usr/bin/env bash
# Starts the application on HOST, PORT and WORKERS (environment or config/production.env).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

run_setup_if_needed
make_environment config/requirements.txt
exec "$python" -m app serve
