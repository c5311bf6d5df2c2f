"""The SMART app: the timeline and the cards of the patient an EHR has open.

- `app`     what its routes share
- `routes`  launch, callback, the view and its end
- `cookies`  what the browser keeps of launches and views
- `view`    the patient's data, fetched under the launch's token, judged and drawn

Imported only when a client is registered for it. No script; nothing of the patient is kept.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask

from cds_service.settings import Settings
from cds_service.trust.clients import Client
from cds_service.web.smart import app as shared
from cds_service.web.smart import routes
from cds_service.web.wiring import Wiring


def init_app(app: Flask, settings: Settings, wiring: Wiring, clients: Iterable[Client]) -> None:
    """Serves the app for `clients`. Raises SettingsError when it cannot."""
    shared.attach(app, shared.put_together(settings, wiring, clients))
    app.register_blueprint(routes.blueprint)
