"""axe-core finds no serious and no critical fault on any page: wide and on a phone, light and dark, all folds open.

What it finds of less weight is printed (`pytest -rP` shows it).
"""

from __future__ import annotations

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from tests.browser.chromium import MORE, PHONE, VIEWS, WIDE, dress, open_view, unfold

GRAVE = ("serious", "critical")
# Faults in what Streamlit draws by itself and no option or style sheet of ours reaches: (rule, selector) -> the reason.
# Each was looked at; a rule is never waved through for a whole page. None at present.
NOT_OURS: dict[tuple[str, str], str] = {}
SCAN = """async (notOurs) => {
  const found = await axe.run(document, {resultTypes: ['violations'], elementRef: true});
  return found.violations.flatMap((fault) => fault.nodes
    .filter((node) => !notOurs.some(([rule, selector]) => rule === fault.id && node.element?.matches(selector)))
    .map((node) => ({
      rule: fault.id,
      impact: fault.impact,
      html: node.html.slice(0, 300),
      why: [...node.any, ...node.all, ...node.none].map((check) => check.message).join('; ').slice(0, 300),
    })));
}"""
ONCE = [(WIDE, "light"), (PHONE, "dark")]  # each width and each theme
CROSSED = [(WIDE, "dark"), (PHONE, "light")]
FIRST = {view for view in VIEWS if "?" not in view}


def scan(tab) -> list[dict[str, str]]:
    """All faults that axe-core sees in the page: rule, impact, html and why."""
    if not tab.evaluate("'axe' in window"):
        tab.evaluate(AXE_SCRIPT)
    return tab.evaluate(SCAN, [list(key) for key in NOT_OURS])


@pytest.mark.parametrize(
    ("view", "dresses"),
    [
        *((view, ONCE) for view in VIEWS if view in FIRST),
        # Further states of a page share its frame: one look in each theme and each width is enough for them.
        *(pytest.param(view, ONCE, marks=pytest.mark.slow) for view in VIEWS if view not in FIRST),
        *(pytest.param(view, CROSSED, marks=pytest.mark.slow) for view in VIEWS if view in FIRST),
    ],
)
def test_no_serious_fault(page, address, view, dresses):
    open_view(page, address, view)
    unfold(page)
    grave = []
    for size, scheme in dresses:
        dress(page, size, scheme)
        for fault in scan(page):
            line = (
                f"{size['width']} px, {scheme}: {fault['impact']} {fault['rule']}: {fault['why']}\n    {fault['html']}"
            )
            print(line)
            if fault["impact"] in GRAVE:
                grave.append(line)
    assert not grave, "\n".join(grave)


def test_the_scan_finds_faults_and_leaves_out_only_what_is_named(page, address, monkeypatch):
    open_view(page, address)
    page.evaluate(
        """() => document.querySelector('[data-testid="stMainBlockContainer"]').insertAdjacentHTML('beforeend',
            '<img src="data:," class="a"><img src="data:," class="b"><p style="color: #bbb; background: #fff">faint</p>')"""
    )
    found = {fault["rule"]: fault["impact"] for fault in scan(page)}
    assert found["image-alt"] in GRAVE
    assert found["color-contrast"] in GRAVE
    monkeypatch.setitem(NOT_OURS, ("image-alt", ".a"), "for this test")
    left = [fault["html"] for fault in scan(page) if fault["rule"] == "image-alt"]
    assert len(left) == 1
    assert 'class="b"' in left[0]


def test_every_page_with_further_states_is_on_the_menu():
    assert set(MORE) <= FIRST
