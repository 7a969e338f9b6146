"""Let `python -m backo` be the command `backo`."""

from backo.cli import main

main(prog_name="backo")
