"""What is kept: one database under the ledger and under trust, and the keys of its hashes.

- `opening`     from the settings to a store that is ready to use
- `engine`      `Store`: transactions, bounded in time on the way of a request
- `schema`      alembic migrations, shipped in `migrations`
- `tables`      the tables of this package; the ledger adds its own to the same metadata
- `keys`        keyed hashes: ids of patients and users never reach the database
- `guarded`     files of secrets that nobody else may read or change
- `threads`     who works for a request, which waits no longer than it may
- `drivers`     how SQLite and PostgreSQL are reached
- `direct`      what every call does, without SQLAlchemy's way of running statements
- `together`    writers to SQLite that wait for the same turn, in one transaction
- `turns`       which thread of which process may write to SQLite
- `lines`       connections kept at hand for these
- `faults`      what the errors of the drivers mean
- `statements`  SQL made once, run often
- `nonces`      tokens seen before
- `pauses`      rules taken out of service for a while

SQLite by default, one file in the state folder; PostgreSQL by CDS_SERVICE_DATABASE_URL.
"""

import sys

# Mako, in which alembic would write new migrations, loads pygments to colour its own errors: 5 MB
# of every process for what nobody sees. Where it finds none it does without.
sys.modules.setdefault("mako.ext.pygmentplugin", None)  # type: ignore[arg-type]
