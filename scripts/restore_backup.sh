#!/usr/bin/env bash
# Shows what will happen, asks, and restores a backup into a named database (docs/backup.md).
#   ./scripts/restore_backup.sh --into shop_restored            the last good backup
#   ./scripts/restore_backup.sh BACKUP_ID --into shop --replace over an existing database, which is kept
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

[ -x "$python" ] || fail "the environment is not set up" "Run ./setup_production.sh first."
exec "$python" -m app backup restore "$@"
