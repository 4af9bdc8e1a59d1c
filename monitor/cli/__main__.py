"""`python -m monitor.cli`: the same as the `sonde` command."""

from monitor.cli import main

raise SystemExit(main())
