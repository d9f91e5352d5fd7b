#!/usr/bin/env bash
# For cron: one line, and exit code 0 (ok), 1 (degraded) or 2 (down or not answering).
#   */5 * * * * cd /srv/agent && r=$(./scripts/monitor_health.sh) || echo "$r" | mail -s agent me@example.com
set -uo pipefail
cd "$(dirname "$0")/.."
if ! [ -x .venv/bin/python ]; then
    echo "DOWN not set up: run ./setup_production.sh"
    exit 2
fi
exec .venv/bin/python -m app status --line
