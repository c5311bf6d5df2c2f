"""What regulators and buyers ask: the source attributes of the service (ONC HTI-1).

One address, a page for people and JSON for programs (by Accept, or with the ending .json).
"""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request

from cds_service import __version__
from cds_service.guideline import RECOMMENDATIONS, attributes
from cds_service.web.pages import common
from cds_service.web.wire import JSON, json_response

blueprint = Blueprint("about", __name__, url_prefix="/about")
HTML = "text/html"


@blueprint.get("/source-attributes")
def source_attributes() -> Response:
    """A page, or JSON for a client that prefers it."""
    if request.accept_mimetypes.best_match([HTML, JSON], default=HTML) == JSON:
        response = source_attributes_json()
    else:
        page = render_template(
            "source-attributes.html",
            attributes=attributes.attributes(),
            criterion=attributes.CRITERION,
            rules=RECOMMENDATIONS,
            uses=attributes.USES,
            **common(),
        )
        response = make_response(page)
    response.vary.add("Accept")
    return response


@blueprint.get("/source-attributes.json")
def source_attributes_json() -> Response:
    """The same as JSON."""
    return json_response(attributes.as_json(__version__))
