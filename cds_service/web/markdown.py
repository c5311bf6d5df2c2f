"""Markdown of a card as HTML, the way a careful EHR shows it: no raw HTML, no images."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markupsafe import Markup

# GitHub's tables and strikethrough; raw HTML stays text. Links with script schemes are
# dropped by markdown-it itself.
_RENDERER = MarkdownIt("js-default", {"html": False}).disable("image")


def render_inline(text: str) -> Markup:
    """One sentence or several, without a paragraph around them."""
    return Markup(_RENDERER.renderInline(text))  # noqa: S704  # as below


def render(text: str) -> Markup:
    """Safe HTML."""
    return Markup(_RENDERER.render(text))  # noqa: S704  # markdown-it escapes all but its own tags
