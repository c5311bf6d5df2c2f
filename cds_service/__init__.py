"""Decision support for proximal hamstring tendinopathy, as CDS Hooks services.

Map of the package, from the edge inwards; a module imports only from those below it:

    cli               the commands; `ledger_commands` has those about the ledger
    exporting         the work of `feedback export`, `reporting` of `feedback report`,
                      `keeping` of `ledger purge`, `find` and `erase`, `pausing` of `pause`
    checking          the work of `check` and `lint`; `report` prints it, `failing` what went wrong
    web               HTTP: discovery, the services, feedback, health, errors, pages
    demo              what stands in for an EHR in the demo and in `check`
    linting           what is wrong with a captured request; `lint_report` is what it yields
    trust             who may call, and whom this service may call
    ledger            what was advised, and what became of it
    store             the database under `ledger` and `trust`
    service           one request in, one `decision` out
    choice            which findings become cards; `repeats` holds back what was answered
    cards             findings become cards
    guideline         the knowledge: one module per recommendation
    fhir              FHIR resources become facts; suggested resources are written
    patient           facts, partial dates, and the episode of each side
    protocol          CDS Hooks messages
    terminology       value sets as data, and their look-up
    settings          everything a site may set; `site` is the part the clinical code sees
    errors            the exceptions, each with its HTTP status

What is offered at which hook is declared outside this package, in `hooks`.
"""

__version__ = "0.1.0"
