"""python -m app: the command line."""

from .cli import main

main()
