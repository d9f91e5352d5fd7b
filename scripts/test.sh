#!/usr/bin/env bash
# Makes everything it needs and passes the tests. --all adds the long ones (kill); other arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

make_environment config/requirements-test.txt
marked=()
if [ "${1:-}" = "--all" ]; then
    shift
    marked=(-m "not benchmark")
fi
scripts/check.sh
say "Running the tests"
exec "$python" -m pytest -n 3 --dist loadfile -q "${marked[@]}" "$@"
