"""Back, Forward and a reload: what the address bar holds comes back."""

from tests.browser.chromium import open_view, wait_until_drawn


def shows(page, address, path) -> None:
    page.wait_for_url(lambda url: url.split("?")[0] == f"{address}/{path}")
    wait_until_drawn(page)


def test_back_leads_to_the_page_before_and_forward_to_the_next(page, address):
    way = [("", "Story"), ("compare", "Compare"), ("evidence", "Evidence"), ("runs", "Runs")]
    open_view(page, address)
    seen = [page.url]
    for path, title in way[1:]:
        page.get_by_test_id("stTopNavLink").filter(has_text=title).click()
        shows(page, address, path)
        page.wait_for_timeout(500)  # the address is written after what is drawn
        seen.append(page.url)
    for (path, _), url in reversed(list(zip(way[:-1], seen[:-1], strict=True))):
        page.go_back()
        shows(page, address, path)
        assert page.url == url
    page.go_forward()
    shows(page, address, "compare")
    assert page.url == seen[1]


def test_a_reload_of_the_lab_brings_its_settings_back_and_back_undoes_the_last(page, workshop):
    open_view(page, workshop, "lab")
    poisons = page.get_by_role("spinbutton", name="Poisons (images)")
    for number in ("7", "8"):
        poisons.fill(number)
        poisons.press("Enter")
        page.wait_for_url(lambda url, number=number: f"%22poisons%22%3A{number}%7D" in url)
        wait_until_drawn(page)
    page.reload()
    wait_until_drawn(page)
    assert poisons.input_value() == "8"
    page.go_back()
    page.wait_for_function("() => document.querySelector('input[aria-label=\"Poisons (images)\"]')?.value === '7'")
