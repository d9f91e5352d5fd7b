# Sourced by the other scripts, from the root of the checkout: finds Python and makes .venv.
python=.venv/bin/python

say() { printf '==> %s\n' "$*"; }

fail() { printf 'error: %s\nHINT: %s\n' "$1" "$2" >&2; exit 1; }

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3.14 python3; do
        if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or newer was found" "Install python3.11, or name one: PYTHON=/usr/bin/python3.11 $0"
}

# make_environment FILE...: .venv with the pinned packages of the files; nothing to do when they are there.
make_environment() {
    local stamp=.venv/.requirements wanted base
    wanted=$(cat "$@" | sha256sum | cut -d' ' -f1)
    if [ -x "$python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    if ! [ -x "$python" ] || ! "$python" -c '' 2>/dev/null; then
        base=$(find_python)
        say "Making .venv with $("$base" --version)"
        rm -rf .venv
        "$base" -m venv .venv || fail "python -m venv failed" "On Debian: apt-get install python3-venv"
    fi
    say "Installing the pinned packages (about a minute the first time)"
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
        $(printf -- '-r %s ' "$@") || fail "pip could not install the packages" "Is PyPI reachable from here?"
    echo "$wanted" > "$stamp"
}

# run_setup_if_needed: for scripts that can be the first to be run.
run_setup_if_needed() {
    if ! [ -f config/production.env ] || ! [ -x "$python" ]; then
        ./setup_production.sh
    fi
}
