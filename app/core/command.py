"""How operators call Atalaia: in its repository it is the package `app`, installed it is `atalaia`."""

from __future__ import annotations

_IS_INSTALLED = not __name__.startswith("app.")
COMMAND = "atalaia" if _IS_INSTALLED else "python -m app"
SETUP = "atalaia setup" if _IS_INSTALLED else "./setup_production.sh"
VALIDATE = "atalaia validate" if _IS_INSTALLED else "./validate_production.py"
