"""Cards and settings as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cds_service.service import UNJUDGED
from cds_service.settings import Settings

COLOURS = {"info": "blue", "warning": "yellow", "critical": "red"}
WIDTH = 96  # lines longer than this are hard to read


def show(response: dict[str, Any]) -> None:
    """Prints the cards of a CDS Hooks response, most urgent first, and what else it says."""
    console = _console()
    cards = _printable(response["cards"])
    console.print(f"{len(cards) or 'No'} card{'' if len(cards) == 1 else 's'}", style="bold")
    for card in sorted(cards, key=lambda c: -list(COLOURS).index(c["indicator"])):
        console.print(_card(card))
    extension = _printable(response.get("extension", {}))
    for rule in extension.pop(UNJUDGED, {}).get("rules", ()):
        side = f" ({rule['side']})" if "side" in rule else ""
        console.print(f"Not judged: {rule['rule']}{side}: {rule.get('reason', 'no reason given')}")
    if extension:
        console.print("Why, and why not", style="bold")
        console.print_json(data=extension)


def show_settings(settings: Settings) -> None:
    """Prints every setting with its value, its default and what it means."""
    table = Table("Setting", "Value", "Default", "Meaning", box=None, pad_edge=False)
    for variable, name in settings.variables().items():
        field = type(settings).model_fields[name]
        value, default = _shown(getattr(settings, name)), _shown(field.default)
        style = "bold" if value != default else ""
        table.add_row(variable, Text(value, style), default, field.description)
    _console(width=None).print(table)


def _console(width: int | None = WIDTH) -> Console:
    """Made when printing, so that it writes to what is standard output then."""
    console = Console(highlight=False, markup=False, emoji=False)
    if width and console.width > width:
        console.width = width
    return console


def _card(card: dict[str, Any]) -> RenderableType:
    parts: list[RenderableType] = [Text(card["summary"], style="bold")]
    if card.get("detail"):
        parts += [Text(), Markdown(card["detail"], hyperlinks=False)]
    parts += [Text(), *_lines(card)]
    colour = COLOURS[card["indicator"]]
    topic = card["source"].get("topic", {}).get("code", "")
    title = Text(f"{card['indicator'].upper()}  {topic}", style=f"bold {colour}")
    return Panel(Group(*parts), title=title, title_align="left", border_style=colour)


def _lines(card: dict[str, Any]) -> Iterator[Text]:
    for suggestion in card.get("suggestions", ()):
        star = " (recommended)" if suggestion.get("isRecommended") else ""
        yield Text(f"Suggestion: {suggestion['label']}{star}")
        for action in suggestion.get("actions", ()):
            written = action.get("resource", {}).get("resourceType") or action.get("resourceId", "")
            yield Text(f"  {action['type']} {written}".rstrip())
    for link in card.get("links", ()):
        yield Text(f"Link: {link['label']} <{link['url']}>")
    yield Text(f"Source: {card['source']['label']}")


def _printable(value: Any) -> Any:
    """`value` without control characters: text from a record must not steer the terminal."""
    if isinstance(value, str):
        return "".join(c for c in value if c.isprintable() or c in "\n\t")
    if isinstance(value, dict):
        return {name: _printable(one) for name, one in value.items()}
    return [_printable(one) for one in value] if isinstance(value, list) else value


def _shown(value: object) -> str:
    if value is None or value == "":
        return "-"
    return ", ".join(value) or "-" if isinstance(value, tuple) else str(value)
