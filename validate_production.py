#!/usr/bin/env python3
"""Checks every setting, folder, program, permission, database right and channel.

One line each: ok, warning or error, with a hint. Exit code 0 (no error) or 1. `--json` for scripts.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
PYTHON = ROOT / ".venv" / "bin" / "python"


def main() -> int:
    """Run the checks with the packages of .venv."""
    os.chdir(ROOT)
    if not PYTHON.exists():
        print("error    python      there is no .venv\n         HINT: Run ./setup_production.sh")
        return 1
    return os.execv(PYTHON, [str(PYTHON), "-m", "app", "validate", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
