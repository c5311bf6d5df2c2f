"""Bibliography: the source article and the literature the cards cite.

Only publications whose citation was read (title and identifier, often the abstract) stand here.
"""

from __future__ import annotations

from cds_service.guideline.evidence import Source

ARTICLE = Source(
    "article",
    "What is the treatment for proximal hamstring tendinopathy? Dr.Oracle, 17 September 2025",
)
#: the reading of the article that this service implements, where the article leaves room
READING = Source("reading", "This service's reading of the article, pending clinical review")

ARTICLE_TITLE = "What is the treatment for proximal hamstring tendinopathy?"
STANDING = (
    "Source: “What is the treatment for proximal hamstring tendinopathy?” (Dr.Oracle, "
    "last updated 2025-09-17), an AI-generated article pending human review: verify against "
    "primary literature. This card proposes; it does not replace clinical judgement."
)
EXTERNAL = "Not from the source article."

WILSON_2005 = Source(
    "wilson-2005",
    "Wilson JJ, Best TM. Common overuse tendon problems. Am Fam Physician 2005;72:811-8",
    "https://pubmed.ncbi.nlm.nih.gov/16156339/",
)
KRUEGER_2020 = Source(
    "krueger-2020",
    "Krueger K et al. Heavy slow resistance in a powerlifter (case report). IJSPT 2020;15:814-22",
    "https://doi.org/10.26603/ijspt20200814",
)
NASSER_2021 = Source(
    "nasser-2021",
    "Nasser AM et al. PHT: systematic review of interventions. IJSPT 2021;16:288-305",
    "https://doi.org/10.26603/001c.21250",
)
LEMPAINEN_2009 = Source(
    "lempainen-2009",
    "Lempainen L et al. PHT: surgical management. Am J Sports Med 2009;37:727-34",
)
COSTA_2016 = Source(
    "costa-2016",
    "Costa LP et al. Surgical treatment of PHT in a triathlete. J Orthop Case Rep 2016;6:69-72",
    "https://doi.org/10.13107/jocr.2250-0685.638",
)
BENAZZO_2013 = Source(
    "benazzo-2013",
    "Benazzo F et al. J Orthop Traumatol 2013;14:83-9",
    "https://doi.org/10.1007/s10195-013-0226-2",
)
KAYANI_2020 = Source(
    "kayani-2020",
    "Kayani B et al. Surgery for PHT refractory to 6 months. Am J Sports Med 2020;48:1160-7",
    "https://doi.org/10.1177/0363546520908819",
)
COOMBES_2010 = Source(
    "coombes-2010",
    "Coombes BK et al. Corticosteroid injections for tendinopathy. Lancet 2010;376:1751-67",
    "https://doi.org/10.1016/S0140-6736(10)61160-9",
)
CACCHIO_2011 = Source(
    "cacchio-2011",
    "Cacchio A et al. Shockwave in professional athletes with PHT. Am J Sports Med 2011;39:146-53",
    "https://doi.org/10.1177/0363546510379324",
)
TENFORDE_2022 = Source(
    "tenforde-2022",
    "Tenforde AS et al. Shockwave best practice. PM&R 2022;14:611-9, table 9",
    "https://doi.org/10.1002/pmrj.12790",
)
NASSER_EXPERTS_2021 = Source(
    "nasser-experts-2021",
    "Nasser AM et al. Expert physiotherapists on PHT. Phys Ther Sport 2021;48:67-75",
)
RISSER_2009 = Source(
    "risser-2009", "Risser A et al. NSAID prescribing precautions. Am Fam Physician 2009;80:1371-8"
)

DEGEN_2019 = Source(
    "degen-2019",
    "Degen RM. Proximal hamstring injuries. Curr Rev Musculoskelet Med 2019;12:138-146",
    "https://doi.org/10.1007/s12178-019-09541-x",
)
VAN_DER_MADE_2019 = Source(
    "van-der-made-2019", "van der Made AD et al. Proximal hamstring avulsion. BJSM 2019;53:390"
)
PRP_COHORT_2018 = Source(
    "prp-cohort-2018",
    "Platelet-rich plasma in PHT: 29 patients. J Sci Med Sport 2018",
    "https://doi.org/10.1016/j.jsams.2018.08.001",
)
EMA_IBUPROFEN = Source("ema-ibuprofen", "EMA referral on ibuprofen and dexibuprofen")
FDA_LABEL = Source("fda-label", "US label of ibuprofen")

BIBLIOGRAPHY: tuple[Source, ...] = tuple(
    source for source in list(globals().values()) if isinstance(source, Source)
)
