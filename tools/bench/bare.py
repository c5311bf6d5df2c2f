"""The service as `serve` runs it, but without a database: what the ledger costs is the difference.

No setting does this: a service that is used keeps its records.

    python -m tools.bench.bare PORT
"""

from __future__ import annotations

import sys

from cds_service.settings import Settings
from cds_service.web import create_app, server


def main() -> None:
    """Serves until told to stop."""
    settings = Settings.load(port=int(sys.argv[1]), auth="open")
    server.run(create_app(settings), settings, lambda: create_app(settings))


if __name__ == "__main__":
    main()
