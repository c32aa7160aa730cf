"""Back, Forward, the menu and a reload: what was shown comes back."""

from urllib.parse import parse_qsl, urlsplit

from tests.browser.chromium import open_view, wait_until_drawn

HELD = "([name, value]) => document.querySelector(`input[aria-label='${name}']`)?.value === value"


def shows(page, address, path) -> dict[str, str]:
    """What the address names once the page of that path is there with all that it loads."""
    page.wait_for_url(lambda url: url.split("?")[0] == f"{address}/{path}")
    wait_until_drawn(page)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)  # the address is written after what is drawn
    return dict(parse_qsl(urlsplit(page.url).query))


def test_back_leads_to_the_page_before_and_forward_to_the_next(page, address):
    way = [("", "Story"), ("compare", "Compare"), ("runs", "Runs")]
    open_view(page, address)
    seen = [shows(page, address, "")]
    for path, title in way[1:]:
        page.get_by_test_id("stTopNavLink").filter(has_text=title).click()
        seen.append(shows(page, address, path))
    for (path, _), named in reversed(list(zip(way[:-1], seen[:-1], strict=True))):
        page.go_back()
        assert shows(page, address, path) == named
    page.go_forward()
    assert shows(page, address, "compare") == seen[1]


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
    page.locator(".st-key-tell-both-fail button").click()
    page.wait_for_url("**story=both-fail")
    page.wait_for_function(HELD, arg=["Poisons (images)", "50"])
    wait_until_drawn(page)
    for before in ("8", "7", "10"):
        page.go_back()
        page.wait_for_function(HELD, arg=["Poisons (images)", before])
        wait_until_drawn(page)


def choose(page, name: str, option: str) -> None:
    page.get_by_role("combobox", name=name).click()
    page.get_by_role("option").filter(has_text=option).first.click()


def test_back_undoes_one_thing_after_the_other(page, address):
    open_view(page, address, "inspect?run=signs-patch-50")
    before, cut = page.url, page.get_by_role("spinbutton", name="Images removed")
    cut.fill("120")
    cut.press("Enter")
    page.wait_for_url("**&cut=120")
    wait_until_drawn(page)
    choose(page, "Defense", "Activation clustering")
    page.wait_for_url(lambda url: url.endswith("defense=clustering"))
    wait_until_drawn(page)
    for url, number in ((f"{before}&cut=120", "120"), (before, "75")):
        page.go_back()
        page.wait_for_function(HELD, arg=["Images removed", number])
        wait_until_drawn(page)
        assert page.url == url


def test_the_menu_keeps_the_run_and_hides_the_truth_of_another(page, address):
    open_view(page, address, "compare?run=signs-patch-50&truth=true")
    choose(page, "Run", "digits-patch-10")
    page.wait_for_url(lambda url: "digits-patch-10" in url and "truth" not in url)
    wait_until_drawn(page)
    page.get_by_test_id("stTopNavLink").filter(has_text="Inspect").click()
    shows(page, address, "inspect")
    page.wait_for_url("**run=digits-patch-10*")
    assert "truth" not in page.url
