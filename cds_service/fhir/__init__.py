"""FHIR in and out: the only room that knows FHIR resources.

- `resources` what the caller sent, by type, with JSON paths (prefetch -> Evidence)
- `prefetch`  what the caller did not send, fetched: by `client`, over `transport`, within `policy`,
              `scopes` and `queries`
- `sound`     validation of the elements that are needed, by fhir.resources
- `codes`     CodeableConcepts and body sites through the value sets
- `dates`     onset[x], effective[x], performed[x] as intervals
- `read`      Evidence -> Facts, one reader per resource type beside it
- `write`     suggestions -> whole draft resources
"""
