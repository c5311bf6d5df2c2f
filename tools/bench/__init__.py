"""How fast the service answers, beside a floor that decides nothing, in the same run.

    make bench      tables, plot and raw samples into docs/performance/   (python -m tools.bench)
    make profile    where the time of one call goes                       (tools.bench.profile)
    make soak       minutes of mixed load with faults                     (python -m tools.soak)

- `bodies`    hook calls of a chosen size, made from the demo patients
- `subjects`  what is measured: the floor, and the service with more and more switched on
- `floor`     the least a Flask service can do with such a body
- `bare`      the service without a database
- `ehr`       a client that signs its calls
- `servers`   starts what is measured, as `cds-service serve` does; memory, processor time
- `load`      one thread, many keep-alive connections, a latency for each `answer`
- `measure`   rounds that alternate between the servers, so that a noisy machine hits all alike
- `resolved`  medians of rounds compared pair by pair, and the range they lie in
- `timed`     a server whose steps are timed: `places` where they are, `stopwatch` how, `handed`
              what threads of the database do for a call, `records` what it writes
- `live`      such servers beside those not timed; `live_tables` their tables
- `steps`     the steps of one call `in_process`, `starting` those of a start; `profile` all
- `footprint` what one call leaves in the database
- `growth`    whether memory grows over very many calls
- `targets`   what the figures are held against; `reasons` why one is missed
- `report`    one run as JSON, and its plot; `tables` its page
"""
