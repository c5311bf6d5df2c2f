"""Who may call, and whom this service may call.

Registered CDS clients, their tokens, and what each route asks of a caller:

- `clients`   the profile of each client, from `[clients.<name>]` of the site's TOML file
- `keys`      the public keys of a client: a file, or its JWKS address, cached
- `tokens`    verification of a CDS Hooks JWT
- `replay`    each token once
- `smart`     launches of the SMART app
- `operators`, `sessions`, `attempts`  who may log in, who has, and how often it may be tried
- `rates`     how often a client may call
- `pausing`   rules taken out of service for a while, on all machines; `kept_pauses` over a restart
- `access`    route -> public, client, operator, smart or demo
- `outbound`  the FHIR servers this service may ask, and the limits on asking
- `refusals`  why a caller was refused, as a code, and the signal that counts it
"""
