"""The ledger: what was advised, what became of it, and no needless repeats.

- `ledger`     `Ledger`: what the edge calls
- `tables`     calls, cards, suggestions, feedback
- `scope`      whose records: client, tenant, and the hashes of patient, user and encounter
- `entry`      one call as it is written, and written later when the database is down
- `spool`      the file that keeps entries meanwhile
- `past`       what a user did with earlier cards: `History` for `decide`
- `recent`     the latest calls of each client
- `feedback`   what clients tell became of their cards
- `last_word`  which of the feedback on a card counts
- `measures`, `analytics`, `reports`  what became of the findings, counted
- `trial`      what clients and rules in shadow would have shown, beside live ones
- `export`     feedback entry by entry, for ONC HTI-1 and as FHIR
- `retention`, `erasure`  what goes when it is old enough, and whose records go at once
- `small_numbers`  which counts are hidden, so that none can be worked out
"""
