"""`make soak`: runs, writes docs/performance/soak.*, and exits 1 when a promise is broken."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tools.soak import report
from tools.soak.result import Plan
from tools.soak.run import run

OUT = Path(__file__).parents[2] / "docs" / "performance"
MINUTE = 60.0  # seconds


@click.command()
@click.option("--minutes", default=5.0, show_default=True, help="How long, at a steady rate.")
@click.option("--rate", default=12.0, show_default=True, help="Calls a second.")
@click.option("--requests", default=0, help="So many as fast as they go, without faults.")
@click.option("--workers", default=2, show_default=True, help="Server processes.")
@click.option("--out", type=click.Path(path_type=Path), default=OUT, help="Folder for the results.")
def main(minutes: float, rate: float, requests: int, workers: int, out: Path) -> None:
    """Mixed load with faults: is every call answered rightly, or refused clearly?"""
    name = "soak-memory" if requests else "soak"
    number = requests or max(1, round(minutes * MINUTE * rate))
    rounds = 0 if requests else max(1, round(minutes))
    result = run(
        Plan(number=number, rate=0.0 if requests else rate, rounds=rounds, workers=workers)
    )
    out.mkdir(parents=True, exist_ok=True)
    report.write(result, out / name)
    click.echo("\n".join(report.page(result, name)))
    sys.exit(0 if result.kept else 1)


if __name__ == "__main__":
    main()
