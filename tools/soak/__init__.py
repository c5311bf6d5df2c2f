"""Minutes of mixed load with faults: is every call answered rightly, or refused clearly?

    make soak                              five minutes, into docs/performance/soak.*
    make soak ARGS='--minutes 1'
    make soak ARGS='--requests 100000'     no faults, as fast as it goes: does memory grow?

- `world`    what is started: PostgreSQL, FHIR servers good and bad, the service
- `calls`    the calls, each with the answer that the engine gave beforehand
- `client`   sends, signs, judges what comes back, and tells what became of the cards
- `trouble`  what is done to the service meanwhile
- `books`    what the database holds, against what clients were told
- `result`   plan and result, and the promises about answers
- `run`      one run
- `report`   table, JSON and plot

Exit code 1 when a promise is broken.
"""
