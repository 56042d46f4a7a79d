"""Generate src/voxelry/dicom/objects/segment_terms.json: what segments are, as DICOM's context groups say it.

``python script/segment_terms.py`` reads the context groups of PS3.16 that pydicom holds (MIT licence): categories of
CID 7150, the types of each (CID 7191 to 7198), those that are common (CID 7152 to 7171, 4031, 7603), and anatomic
regions (CID 4 and 4030). Which structures are paired, and the colours, are this file's own: the standard has neither.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import cast

from pydicom import __version__
from pydicom.sr._concepts_dict import concepts

TARGET = Path(__file__).resolve().parent.parent / "src" / "voxelry" / "dicom" / "objects" / "segment_terms.json"
CATEGORIES = {
    "91723000": 7192, "85756007": 7191, "49755003": 7194, "260787004": 7193, "91720002": 7197, "105590001": 7198,
    "246464006": 7195, "309825002": 7196,
}  # fmt: skip
"""The context group of the types of each category of CID 7150, the most common first."""
COMMON = (*range(7152, 7161), 7160, 7166, 7171, 4031, 7603)
REGIONS = (4, 4030)
ALSO = {"91723000": (6300, 7140, 7603, 7170)}
"""More types of a category: zones of the prostate, structures of the brain, vertebrae, segments of the liver."""
LEFT, RIGHT, BOTH = ("7771000", "SCT"), ("24028007", "SCT"), ("51440002", "SCT")

PAIRED = re.compile(
    r"\b(kidney|renal|adrenal|suprarenal|lung|pulmonary artery|pulmonary vein|bronchus|pleura\w*|breast|"
    r"ovary|fallopian|uterine tube|testis|epididymis|seminal|spermatic|ureter|eye\w*|orbit\w*|lens|"
    r"optic nerve|retina|cornea|lacrimal|ear|cochlea|parotid|submandibular|sublingual|tonsil\w*|"
    r"hippocampus|amygdala|thalamus|caudate|putamen|pallidum|accumbens|insula|hemisphere|"
    r"ventricle of brain|lateral ventricle|temporal|frontal lobe|parietal lobe|occipital lobe|cerebellar|"
    r"maxilla\w*|mastoid|zygoma\w*|clavicle|scapula|humerus|radius|ulna|hand|wrist|carpal|metacarpal|"
    r"elbow|shoulder|arm|forearm|axilla\w*|femur|femoral|tibia\w*|fibula\w*|patella|foot|ankle|tarsal|"
    r"metatarsal|calcaneus|talus|knee|hip|thigh|leg|ilium|ischium|pubis|iliac|rib|sacroiliac|gluteus|"
    r"gluteal|iliopsoas|psoas|deltoid|biceps|triceps|quadriceps|carotid|jugular|subclavian|"
    r"vertebral artery|brachial|brachiocephalic vein|radial|popliteal|saphenous|peroneal|extremity|limb|"
    r"atrium|cardiac ventricle|sternocleidomastoid)\b",
    re.IGNORECASE,
)
"""Words of what there are two of."""
SIDED = re.compile(
    r"\b(left|right|bilateral|median|midline|atria|ventricles|aorta|trunk|trachea|uterus|surface|common atrium|"
    r"primitive|"
    r"conduit|confluence|systemic|anomalous)\b",
    re.IGNORECASE,
)
"""What is one, although its name holds the name of what there are two of."""
COLOURS = (
    (r"embol|thromb|plaque|calcif", "#c4623a"),
    (r"neoplas|tumou?r|mass|lesion|metasta|nodule|cyst|cancer", "#90ee90"),
    (r"edema|oedema|necrosis|hemorrhage|infarct", "#8cb4d8"),
    (r"vein|venous|vena|jugular|azygos|sinus venosus", "#0097ce"),
    (r"arter|aort|arcus", "#d8654f"),
    (
        (
            r"bone|vertebra|rib\b|skull|femur|tibia|fibula|humerus|ulna|radius|sternum|clavicle|scapula|"
            r"sacrum|coccyx|ilium|ischium|pubis|patella|mandible|maxilla|calcaneus|talus|carpal|tarsal|"
            r"phalan|tooth|teeth"
        ),
        "#f1d691",
    ),
    (r"muscle|gluteus|psoas|deltoid|biceps|triceps", "#c0685c"),
    (r"cartilage|meniscus|disc|disk|ligament|tendon|fascia", "#6fb8d2"),
    (r"nerve|nervous|plexus|ganglion|spinal cord|fasciculus|tract", "#f4d631"),
    (
        (
            r"brain|cereb|hippocamp|thalam|cortex|gyrus|gray matter|white matter|putamen|caudate|pallid|"
            r"amygdala|pons|medulla"
        ),
        "#fac89a",
    ),
    (r"lung|bronch|trachea|pulmon|airway|larynx|pharynx", "#c5a591"),
    (r"heart|cardi|atri|ventric|myocard", "#ce6e54"),
    (r"liver|hepat", "#dd8265"),
    (r"gallbladder|bile|biliary", "#8bb55f"),
    (r"spleen", "#9d6ca2"),
    (r"pancrea", "#f9b46f"),
    (r"kidney|renal|ureter|adrenal|suprarenal", "#b9663d"),
    (r"bladder|urethra|urine", "#dea46b"),
    (
        (
            r"stomach|gastric|duoden|intestin|bowel|colon|rectum|esophag|appendix|cecum|jejun|ileum|"
            r"anus"
        ),
        "#cda870",
    ),
    (r"prostat|seminal|testi|penis|uter|ovar|vagin|cervix|vulva|fallop", "#e6a08a"),
    (r"breast|mamm", "#ecc3a4"),
    (r"thyroid|parathyroid|thymus|parotid|gland", "#3ec38b"),
    (r"lymph", "#44ac64"),
    (r"fat|adipos", "#e6dc46"),
    (r"skin|cutis|external", "#b17a65"),
    (r"eye|orbit|lens|retina", "#d1e3f0"),
    (r"blood", "#a43030"),
)
"""Colours that are usual for what a meaning names, the first that fits."""


def codes_of(cid: int) -> list[tuple[str, str, str]]:
    """Value, scheme and meaning of all codes of a context group."""
    known = cast("dict[str, dict[str, dict[str, tuple[str, list[int]]]]]", concepts)
    found = {
        (code, scheme): meaning
        for scheme, keywords in known.items()
        for codes in keywords.values()
        for code, (meaning, cids) in codes.items()
        if cid in cids
    }
    return [(value, scheme, meaning) for (value, scheme), meaning in found.items()]


def colour_of(meaning: str, category: str) -> str | None:
    if category not in ("91723000", "85756007", "49755003", "91720002"):
        return None
    return next((colour for pattern, colour in COLOURS if re.search(rf"\b(?:{pattern})", meaning, re.IGNORECASE)), None)


def _regions() -> list[tuple[str, str, str]]:
    found = {one[:2]: one for cid in REGIONS for one in codes_of(cid)}
    return sorted(found.values(), key=lambda one: (one[2].casefold(), one[:2]))


def content() -> str:
    common = {one[:2] for cid in COMMON for one in codes_of(cid)}
    categories = {value: (value, scheme, meaning) for value, scheme, meaning in codes_of(7150)}
    terms = []
    for category, cid in CATEGORIES.items():
        types = {one[:2]: one for group in (cid, *ALSO.get(category, ())) for one in codes_of(group)}
        for value, scheme, meaning in sorted(types.values(), key=lambda one: (one[2].casefold(), one[:2])):
            paired = category == "91723000" and PAIRED.search(meaning) and not SIDED.search(meaning)
            terms.append(
                {
                    "category": category, "type": [value, scheme, meaning], "paired": bool(paired),
                    "colour": colour_of(meaning, category), "common": (value, scheme) in common,
                }
            )  # fmt: skip
    sides = {one[:2]: list(one) for one in codes_of(244)}
    told = {
        "origin": "DICOM PS3.16: CID 7150, 7191 to 7198, 6300, 7140, 7170, 7603, 244, 4 and 4030, as pydicom "
        f"{__version__} (MIT) has them. Colours, and which structures are paired, are Voxelry's. The codes are those "
        "of SNOMED CT, FMA, NCIt, BARI and DCM that DICOM names.",
        "categories": [list(categories[category]) for category in CATEGORIES],
        "sides": [sides[RIGHT], sides[LEFT], sides[BOTH]],
        "regions": [list(one) for one in _regions()],
    }
    lines = ",\n".join(json.dumps(term, ensure_ascii=False) for term in terms)
    head = json.dumps(told, ensure_ascii=False, indent=1).removesuffix("\n}")
    return f'{head},\n "terms": [\n{lines}\n ]\n}}\n'


if __name__ == "__main__":
    TARGET.write_text(content(), "utf-8")
