"""`python -m web.cli` is `partitur`."""

from web.cli import main

main()
