#!/usr/bin/env bash
# Makes everything it needs and passes the tests. --all adds the long ones (kill); other arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

make_environment config/requirements-test.txt
marked=()
alone=0
if [ "${1:-}" = "--all" ]; then
    shift
    marked=(-m "not benchmark and not alone")
    alone=1
fi
scripts/check.sh
say "Running the tests"
"$python" -m pytest -n 3 --dist loadfile -q "${marked[@]}" "$@"
if [ "$alone" = 1 ] && [ $# = 0 ]; then
    # Because what a program of real time does beside a busy suite says nothing about us.
    "$python" -m pytest -q -m alone tests/alerts
fi
