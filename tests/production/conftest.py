"""The fixture of this folder: a tower of real pages below a host application."""

from tests.production.served import tower

__all__ = ["tower"]
