"""Decision support for proximal hamstring tendinopathy, as CDS Hooks services.

Map of the package, from the edge inwards; a module imports only from those below it:

    cli          the commands: serve, demo, check, settings, parameters
    checking     the work of `check`; `report` prints it
    web          HTTP: discovery, the services, health, errors, pages
    demo         what stands in for an EHR in the demo and in `check`
    service      one request in, one decision out
    cards        findings become cards
    guideline    the knowledge: one module per recommendation
    fhir         FHIR resources become facts; suggested resources are written
    patient      facts, partial dates, and the episode of each side
    protocol     CDS Hooks messages
    terminology  value sets as data, and their look-up
    settings     everything a site may set; `site` is the part the clinical code sees
    errors       the exceptions, each with its HTTP status

What is offered at which hook is declared outside this package, in `hooks`.
"""

__version__ = "0.1.0"
