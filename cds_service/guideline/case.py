"""One patient on one day, as the rules see it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cached_property

from cds_service.guideline import conventions as c
from cds_service.guideline.evidence import Parameter
from cds_service.guideline.finding import Criterion
from cds_service.patient.facts import Facts, Filtration, Finding, OrderKind
from cds_service.patient.safety import Gate, GateLimits, gate, latest_filtration, still
from cds_service.patient.scores import Change, Improvement, improvement
from cds_service.patient.timeline import Limits, SideTimeline, Timeline


class Case:
    """Facts, today, and the site's parameter values. Read only."""

    def __init__(self, facts: Facts, today: date, overrides: Mapping[str, float]) -> None:
        self.facts, self.today, self._overrides = facts, today, overrides
        self._improvements: dict[SideTimeline, Improvement] = {}
        #: what `criteria.pathway_population` found
        self.populations: dict[SideTimeline, tuple[Criterion, ...]] = {}
        self.timeline = Timeline(
            facts,
            today,
            Limits(
                same_injection=self.whole(c.SAME_INJECTION),
                order_before_injection=self.whole(c.ORDER_BEFORE_INJECTION),
                loading_gap=self.whole(c.LOADING_GAP),
                encounter_diagnosis=self.whole(c.ENCOUNTER_DIAGNOSIS),
            ),
        )

    def __getitem__(self, parameter: Parameter) -> float:
        """The parameter's value here: the site's, else the guideline's."""
        return self._overrides.get(parameter.name, parameter.value)

    def whole(self, parameter: Parameter) -> int:
        return int(self[parameter])

    @property
    def sides(self) -> tuple[SideTimeline, ...]:
        return self.timeline.sides

    @cached_property
    def ordered(self) -> frozenset[OrderKind]:
        """The kinds of what is being ordered."""
        return frozenset(order.kind for order in self.facts.orders)

    @cached_property
    def gate(self) -> Gate:
        """What may be offered to this patient (NSAID gate, shockwave cautions)."""
        limits = GateLimits(
            egfr=self[c.EGFR_CAUTION],
            egfr_days=self.whole(c.EGFR_AGE),
            cautious_age=self[c.CAUTIOUS_AGE],
            pregnancy_days=self.whole(c.PREGNANCY),
        )
        return gate(self.facts, self.today, limits)

    @property
    def cautions(self) -> tuple[Finding, ...]:
        """Findings that still hold today (a pregnancy recorded too long ago is over, G16)."""
        window = self.whole(c.PREGNANCY)
        return tuple(f for f in self.facts.findings if still(f, self.today, window))

    @property
    def filtration(self) -> Filtration | None:
        """The latest eGFR within a year; None is unknown, never normal (G16)."""
        return latest_filtration(self.facts, self.today, self.whole(c.EGFR_AGE))

    def improvement(self, side: SideTimeline) -> Improvement:
        """Several rules ask: worked out once for each side."""
        if side not in self._improvements:
            self._improvements[side] = self._improvement(side)
        return self._improvements[side]

    def _improvement(self, side: SideTimeline) -> Improvement:
        change = Change(
            visa_h_points=self[c.VISA_H_GAIN],
            pain_points=self[c.PAIN_FALL],
            pain_fraction=self[c.PAIN_FRACTION],
            baseline_days=self[c.BASELINE_WINDOW],
            latest_days=self[c.LATEST_WINDOW],
        )
        start = side.clock.started if side.clock else None
        return improvement(side.scores, start, self.today, change)
