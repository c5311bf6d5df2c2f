"""How fast the service answers, beside a floor that decides nothing, in the same run.

    make bench      tables, plot and raw samples into docs/performance/   (python -m tools.bench)
    make profile    where the time of one call goes                       (tools.bench.profile)
    make soak       minutes of mixed load with faults                     (python -m tools.soak)

- `bodies`   hook calls of a chosen size, made from the demo patients
- `floor`    the least a Flask service can do with such a body
- `servers`  starts what is measured, as `cds-service serve` does; memory and start-up time
- `load`     one thread, many keep-alive connections, a latency for each answer
- `measure`  rounds that alternate between the servers, so that a noisy machine hits all alike
- `report`   ratios to the floor, targets, tables, plot
"""
