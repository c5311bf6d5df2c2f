"""Cards, settings and parameters as text for a terminal."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cds_service.cards import RATIONALE
from cds_service.decision import UNJUDGED
from cds_service.guideline.evidence import quantity
from cds_service.lint_report import LintReport
from cds_service.settings import Settings
from cds_service.store.pauses import Pause
from cds_service.trust.clients import Client
from cds_service.trust.keys import KeySet

COLOURS = {"info": "blue", "warning": "yellow", "critical": "red"}
WIDTH = 96  # lines longer than this are hard to read
MARKS = {"yes": "+", "no": "-", "unknown": "?"}
PAPER = 140  # columns of a table that is piped into a file


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
    why = extension.pop(RATIONALE, {})
    if why:
        console.print("Why, and why not", style="bold")
        console.print("\n".join(_why(why)), soft_wrap=True)
    if extension:
        console.print_json(data=extension)


def show_lint(found: LintReport) -> None:
    """Prints what is wrong with a hook request, and what can be judged with it."""
    console = _console()
    console.print("\n".join(_printable(list(_lint(found)))), soft_wrap=True, markup=False)


def _lint(found: LintReport) -> Iterator[str]:
    yield f"{found.service} ({found.hook}): {'fine' if found.fine else 'judgement is stopped'}"
    codes = [
        f"{one.path}: {', '.join(one.codes) or 'text alone'} (near '{one.near}')"
        for one in found.codes
    ]
    for heading, lines in (
        ("Faults", [f"{one.path}: {one.what}" for one in found.faults]),
        ("Prefetch", [f"{k.name}: {k.state}, {k.resources} resources" for k in found.keys]),
        ("Cannot be read", [f"{one.path}: {one.what}" for one in found.unreadable]),
        ("Not recognised, though it looks relevant", codes),
        ("Orders", [f"{one.path}: {one.what}" for one in found.orders]),
        ("Rules that can be judged", [": ".join(filter(None, (r.rule, r.judged, r.why)))
                                      for r in found.rules]),
    ):  # fmt: skip
        if lines:
            yield f"\n{heading}"
            yield from (f"  {line}" for line in lines)


def _why(explanation: Mapping[str, Any]) -> Iterator[str]:
    """The explanation of a whole answer: each rule, its criteria, and the facts of each."""
    if "silence" in explanation:
        yield f"No rule was asked: {explanation['silence']}"
    for rule in explanation.get("rules", ()):
        yield f"\n{_rule(rule)}: {rule['state']}"
        for asked in rule.get("criteria", ()):
            yield f"  {MARKS[asked['answer']]} {asked['question']}: {asked.get('because', '')}"
            for fact in asked.get("facts", ()):
                yield f"      {fact.get('when', 'undated')} {fact['is']} ({fact['reference']})"
    yield from ("", *_beside(explanation))


def _rule(told: Mapping[str, Any]) -> str:
    side = "" if told["side"] == "unknown" else f" ({told['side']})"
    return f"{told['rule']}{side} {told.get('variant', '')}".rstrip()


def _beside(explanation: Mapping[str, Any]) -> Iterator[str]:
    """What bears on the whole answer: what is not shown, changed, missing or not used."""
    told: dict[str, Iterable[Mapping[str, Any]]] = defaultdict(tuple, explanation)
    yield from (f"Not shown: {_rule(one)}: {one['reason']}" for one in told["withheld"])
    yield from (f"Switched off by this site: {rule}" for rule in told["switchedOff"])
    for one in told["thresholds"]:
        if one.get("setBySite"):
            usual = f"the guideline says {one['guidelineValue']:g}"
            yield f"Set by this site: {one['name']} = {one['value']:g} ({usual})"
    yield from (f"Missing: {lack}" for lack in told["missing"])
    for one in (*told["unreadable"], *told["leftOut"]):
        yield f"Not used: {one['reference']}: {one['reason']}"


def show_settings(settings: Settings) -> None:
    """Prints every setting with its value, its default and what it means."""
    table = Table("Setting", "Value", "Default", "Meaning", box=None, pad_edge=False)
    for variable, name in settings.variables().items():
        field = type(settings).model_fields[name]
        value, default = _shown(getattr(settings, name)), _shown(field.default)
        style = "bold" if value != default else ""
        table.add_row(variable, Text(value, style), default, field.description)
    _console(width=None).print(table)


def show_clients(clients: Sequence[Client]) -> None:
    """Prints who may call, and where the keys of each come from."""
    table = Table("Client", "Issuer", "Keys", "Services", "Mode", box=None, pad_edge=False)
    for one in clients:
        keys = str(one.jwks or one.jku)
        table.add_row(one.name, one.iss, keys, ", ".join(one.services) or "all", one.mode)
    _console(width=None).print(table)


def show_pauses(pauses: Sequence[Pause]) -> None:
    """Prints what is out of service: rule, since and until when, who said so, and why."""
    for one in pauses:
        end = f"until {one.until:%Y-%m-%d %H:%M}" if one.until else "until resumed"
        since = f"since {one.since:%Y-%m-%d %H:%M} UTC"
        line = f"{one.rule}  {since}, {end}, by {one.by}: {one.reason}"
        _console(width=None).print(_printable(line), soft_wrap=True, markup=False, highlight=False)
    if not pauses:
        _console().print("Nothing is paused.")


def show_keys(keys: KeySet) -> None:
    """Prints the keys a client signs with: id, kind, curve, and the algorithm it is bound to."""
    table = Table("Key id", "Kind", "Curve", "Algorithm", box=None, pad_edge=False)
    for kid, held in keys.items():
        for key in held:
            table.add_row(
                Text(_printable(kid)), *(Text(str(key.get(n, "-"))) for n in ("kty", "crv", "alg"))
            )
    _console(width=None).print(table)


def show_parameters(rows: Sequence[Mapping[str, Any]]) -> None:
    """Prints the rows of `cds_service.guideline.registry`."""
    table = Table(box=SIMPLE, pad_edge=False, show_lines=True)
    table.add_column("Parameter", no_wrap=True)
    table.add_column("Value")
    table.add_column("Safe", min_width=8)
    table.add_column("What it stands on, and what uses it", ratio=1)
    for row in rows:
        value = quantity(row["value"], row["unit"])
        if row["setBySite"]:
            value += f"\n(set by this site; guideline: {row['guidelineValue']:g})"
        table.add_row(
            row["name"],
            Text(value, "bold" if row["setBySite"] else ""),
            f"{row['safeFrom']:g} to {row['safeTo']:g}",
            "\n".join(_evidence(row)),
        )
    console = _console(width=None)
    if not console.is_terminal:
        console.width = max(console.width, PAPER)
    console.print(table)


def _evidence(row: Mapping[str, Any]) -> Iterator[str]:
    yield f"Source: {row['source']}, {row['place']} (reviewed {row['reviewed']})"
    if row["quote"]:
        yield f"Quote: “{row['quote']}”"
    if row["reading"]:
        yield f"Reading: {row['reading']}"
    yield f"Used by: {row['usedBy']}"


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows with a head line; a list in a cell is left out for its text (`usedBy`)."""
    fields = [name for name in rows[0] if name != "rules"]
    out = io.StringIO()
    writer = csv.DictWriter(out, fields, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


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
    return ", ".join(value) or "-" if isinstance(value, tuple) else str(value) or "-"
