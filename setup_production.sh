#!/usr/bin/env bash
# Sets everything up, and changes nothing that a person edited when it is run again.
set -euo pipefail
cd "$(dirname "$0")"
. scripts/environment.sh

make_environment config/requirements.txt
say "Writing config/production.env and the folders"
"$python" -m app setup "$@"
say "Checking everything (validate_production.py)"
"$python" validate_production.py
