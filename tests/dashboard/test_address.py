"""What the address bar holds, and what it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.address import LONGEST, ids_from_text, ids_to_text


@given(st.sets(st.integers(0, 10**6), max_size=100))
def test_a_selection_survives_the_address(ids):
    text = ids_to_text(sorted(ids))
    assert ids_from_text(text) == sorted(ids)
    assert len(text) <= LONGEST


def test_neighbours_are_written_as_one_run():
    assert ids_to_text([36, 37, 38, 50]) == "10-12.1e"


def test_too_many_are_left_out_rather_than_cut_short():
    assert ids_to_text(range(0, 10**6, 7)) == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "-",
        "1-",
        "a b",
        "%3Cscript%3E",
        "2-1",
        "0-zzzzzzz",
        "1" * (LONGEST + 1),
        "1.-2",
        "١",
        "zzzzzzzz",
        "0-9999.0-9999.0-9999",
    ],
)
def test_nonsense_selects_nothing(text):
    assert ids_from_text(text) == []


def script(page: str) -> None:
    """One page of an app: a menu whose choice is in the address. Other pages have a menu of the same key."""
    import streamlit as st

    from dashboard import address

    with address.turned_to(page):
        options = ["b", "a", "c"] if page == "second" else ["a", "b"]
        address.adopt("run", options)
        st.selectbox(f"Run of {page}", options, key="run")
        address.publish("run")


def test_a_link_to_another_page_keeps_its_choice():
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_function(script, kwargs={"page": "first"})
    app.query_params["run"] = "a"
    app.run()
    other = AppTest.from_function(script, kwargs={"page": "second"})
    for key in ("page shown", "page turn", "run said"):
        other.session_state[key] = app.session_state[key]
    other.query_params["run"] = "a"
    other.run()
    assert other.selectbox(key="run").value == "a"
    assert other.query_params["run"] == "a"


def counting() -> None:
    """A page whose number is in the address."""
    import streamlit as st

    from dashboard import address

    with address.turned_to("counting"):
        address.adopt_number("cut", 0, 100, 5)
        st.number_input("Cut", 0, 100, key="cut")
        address.write("cut", str(st.session_state["cut"]))


def test_an_address_that_is_several_presses_behind_does_not_win_over_the_widget():
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_function(counting).run()
    for value in (6, 7, 8):
        app.number_input(key="cut").set_value(value).run()
    app.query_params["cut"] = "6"  # what the browser still holds
    app.number_input(key="cut").set_value(9).run()
    assert app.session_state["cut"] == 9
    app.query_params["cut"] = "50"  # but a link is followed
    app.run()
    assert app.session_state["cut"] == 50


def test_a_slow_server_loses_no_press_and_the_way_back_still_works(monkeypatch):
    from streamlit.testing.v1 import AppTest

    from dashboard import address

    monkeypatch.setattr(address, "lag", lambda: 0.0)  # as if every answer had taken longer than the longest wait
    app = AppTest.from_function(counting).run()
    for value in (6, 7, 8):
        app.query_params["cut"] = "5"  # the browser has heard nothing yet
        app.number_input(key="cut").set_value(value).run()
        assert app.session_state["cut"] == value
    app.run()  # now it has
    app.query_params["cut"] = "7"  # and goes back
    app.run()
    assert app.session_state["cut"] == 7


def stopping() -> None:
    """A page that stops in the midst."""
    import streamlit as st

    from dashboard import address

    with address.turned_to("stopping"):
        st.stop()


def test_what_runs_after_the_page_does_not_take_it_for_a_new_one():
    from streamlit.testing.v1 import AppTest

    for page, runs in ((counting, 1), (stopping, 0)):
        turn = AppTest.from_function(page).run().session_state["page turn"]
        assert (turn["is new"], turn["runs"]) == (False, runs)


def questions() -> None:
    """A page whose menu comes and goes."""
    import streamlit as st

    from dashboard import address

    with address.turned_to("questions"):
        if st.toggle("Ask", value=True, key="ask"):
            address.adopt("amount", ["own", "same"])
            st.segmented_control("Amount", ["own", "same"], key="amount")
            address.publish("amount")


def test_a_widget_that_comes_back_is_told_what_it_held():
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_function(questions).run()
    app.segmented_control(key="amount").set_value("same").run()
    assert not app.segmented_control(key="amount").proto.set_value  # the browser knows
    for there in (False, True):
        app.toggle(key="ask").set_value(there).run()
    assert app.session_state["amount"] == "same"
    assert app.segmented_control(key="amount").proto.set_value  # it has forgotten
