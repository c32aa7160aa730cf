"""What is said of a finding beside the finding: what to do, what it cannot tell, what would settle it, and its terms.

Terms: MITRE ATLAS techniques (2025, where T0018 is "Manipulate AI Model"), and the attack classes of NIST AI 100-2 E2025.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

PROPOSED = {"poison": "remove", "label-error": "relabel", "copy": "remove", "broken": "remove", "second-group": "keep"}
TITLES = {
    "poison": "looks poisoned",
    "label-error": "label errors",
    "copy": "copies",
    "broken": "broken rows",
    "second-group": "a second group",
}


@dataclass(frozen=True)
class Term:
    """A place in a catalogue that security teams file findings under."""

    id: str
    name: str
    catalogue: str


POISON_DATA = Term("AML.T0020", "Poison Training Data", "MITRE ATLAS")
POISON_MODEL = Term("AML.T0018.000", "Manipulate AI Model: Poison AI Model", "MITRE ATLAS")
ERODE = Term("AML.T0059", "Erode Dataset Integrity", "MITRE ATLAS")
BACKDOOR = Term("NISTAML.023", "Backdoor Poisoning", "NIST AI 100-2 E2025")
CLEAN_LABEL = Term("NISTAML.021", "Clean-label Backdoor", "NIST AI 100-2 E2025")
TARGETED = Term("NISTAML.024", "Targeted Poisoning", "NIST AI 100-2 E2025")
DATA = Term("NISTAML.013", "Data Poisoning", "NIST AI 100-2 E2025")


@dataclass(frozen=True)
class Beside:
    """What a kind of finding is said with."""

    advice: str
    limitation: str
    settles: str
    terms: Sequence[Term]  # empty where it is no sign of an attack


BESIDE = {
    "poison": Beside(
        "Look at the rows; if they carry a mark that the others lack, remove them and train again.",
        "Features tell that rows stand apart together, not why: an ordinary small group (another camera, a burst of frames, a "
        "systematic mistake) can look the same. Poison that hides among ordinary rows, and rows beyond these, are not excluded.",
        "The pictures: is there the same mark on many of them, and on no other? Or train without these rows, and see whether "
        "images with that mark are still taken for the class.",
        (POISON_DATA, POISON_MODEL, BACKDOOR, CLEAN_LABEL),
    ),
    "label-error": Beside(
        "Relabel them as the class they lie with, or drop them where you cannot tell.",
        "A row that lies with another class can be a hard example with the right label. Poison that the model has not learned "
        "lies with its own class too, and looks like this.",
        "The picture beside its nearest neighbours: which of the two labels would you give?",
        (ERODE, DATA, TARGETED),
    ),
    "copy": Beside(
        "Keep one of each; where copies reach into the test part, its accuracy says too much.",
        "Equal features need not be equal images: frames of one scene can be told apart by nobody but their owner. Copies with "
        "another label are not looked for.",
        "The pictures side by side.",
        (),
    ),
    "broken": Beside(
        "Extract their features again, or look whether the file behind them is damaged.",
        "What broke them is not known from the numbers.",
        "The files themselves.",
        (),
    ),
    "second-group": Beside(
        "Nothing, or a class of its own.",
        "A group as large and as wide as the rest is taken for natural. Poison of a large part of a class could be as large.",
        "The pictures: what do the two groups differ in?",
        (),
    ),
}  # fmt: skip

LIMITS = (
    "Features show what one model makes of the data at one layer; poison that this layer does not answer to is not seen.",
    "No row is proved clean: what is not listed did not stand out.",
    "The level is the share of clean sets in which some class would be called poisoned by chance, as measured on simulated "
    "tables; it is no probability that a finding is true.",
)
OF_AUTO = (
    "As many poisons were assumed as stand apart, 8 % of a class to begin with: a tight group of some 20 % that lies hardly far enough "
    "can be missed, and found with a share of 25 %."
)


def across_classes(finding: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether a finding of poison rests on rows that lie with another class. record: of its class, from the summary."""
    return finding["kind"] == "poison" and 2 * (record.get("misfits") or 0) >= finding["rows"]


def beside(kind: str) -> dict[str, Any]:
    """JSON values of what is said with a finding of that kind."""
    said = BESIDE[kind]
    return {
        "title": TITLES[kind], "proposed": PROPOSED[kind], "advice": said.advice, "limitation": said.limitation,
        "settles": said.settles, "terms": [asdict(term) for term in said.terms],
    }  # fmt: skip
