"""No page leaves an error in the browser's console, reached by its address or by the menu.

Every other test of this folder checks it too, since the fixture `page` does; test_access opens every address, these too.
"""

import pytest

from benchmarks.serving import pages
from tests.browser.chromium import PHONE, faults_of, open_view, wait_until_drawn


@pytest.mark.slow  # test_access does it too, and looks at more
@pytest.mark.parametrize("path", [page.path for page in pages()])
def test_an_address_opens_without_an_error(page, address, path):
    open_view(page, address, path)


def test_the_menu_leads_to_every_page_without_an_error(page, address):
    open_view(page, address)
    for there in [*pages()[1:], pages()[0]]:
        page.get_by_test_id("stTopNavLink").filter(has_text=there.title).click()
        page.wait_for_url(lambda url, there=there: url.split("?")[0] == f"{address}/{there.path}")
        wait_until_drawn(page)
    assert page.locator('[data-testid="stException"]').count() == 0


def test_an_address_of_no_page_opens_the_first_one_and_says_so(chromium, address):
    tab = chromium.new_page()
    faults = faults_of(tab)
    open_view(tab, address, "nonsense")
    tab.get_by_text("Page not found").wait_for()
    tab.close()
    assert all("does not seem to exist" in fault for fault in faults), faults  # Streamlit's own word in the console


def test_errors_are_heard(chromium):
    """Without this the tests above could not fail."""
    tab = chromium.new_page()
    faults = faults_of(tab)
    tab.set_content("<script>console.error('one'); setTimeout(() => { throw new Error('two') })</script>")
    tab.wait_for_timeout(100)
    tab.close()
    assert [fault.split(" (")[0] for fault in faults] == ["one", "uncaught: two"]


def test_on_a_telephone_the_menu_leaves_the_page_that_was_chosen_in_it(page, address):
    page.set_viewport_size(PHONE)
    open_view(page, address)
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Evidence").click()
    page.wait_for_url(lambda url: url.split("?")[0] == f"{address}/evidence")
    wait_until_drawn(page)
    gone = "() => document.querySelector('[data-testid=stSidebar]').getBoundingClientRect().right <= 0"
    page.wait_for_function(gone)
