"""How the state of a run looks: an icon and a word, never the one without the other."""

from __future__ import annotations

from core.runs import ID, STATES

DAMAGED = "damaged"  # no state of a run, but what a list has to say of a folder that cannot be read
ALL = (*STATES, DAMAGED)
ICONS = dict(
    zip(
        ALL,
        ("hourglass_empty", "play_circle", "check_circle", "error", "cancel", "link_off", "broken_image"),
        strict=True,
    )
)
SIGNS = dict(zip(ALL, "○▸✓✕■!?", strict=True))  # in a table, where there are no icons
MEANING = {
    "queued": "Waiting for its turn.",
    "running": "At work.",
    "finished": "Finished.",
    "failed": "Failed: it met something that it cannot use.",
    "cancelled": "Cancelled; what is finished is kept.",
    "interrupted": "Interrupted: its process ended without a word. What is finished is kept.",
    DAMAGED: "Damaged: a file cannot be read.",
}


def quoted(asked: str) -> str:
    """A name from the address as a page may show it: what no run can be called is not repeated."""
    return f"'{asked}'" if ID.fullmatch(asked) else "of the name in the address"


def icon(state: str) -> str:
    """As Markdown."""
    return f":material/{ICONS[state]}:"


def in_table(state: str) -> str:
    return f"{SIGNS[state]} {state}"
