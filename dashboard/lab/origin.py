"""Where the Lab starts from: a story, or an earlier run to be done again with one change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from core.experiment import RunConfig, config_of
from core.experiment.stories import STORIES
from core.foundation.errors import InputError
from core.runs import RunFolder
from dashboard import address, data
from dashboard.lab import attack, link, training, way
from dashboard.lab import data as images
from dashboard.lab.changes import changes
from dashboard.runs.states import quoted
from dashboard.widgets import as_sentence

KEY, PROBLEM = "lab-origin", "lab-origin-problem"
SETUP = "setup"  # in the address: the settings, where they are not those that the Lab started from
ICONS = {"spectre-wins": "search_check", "both-fail": "visibility_off", "attack-fails": "block", "clean": "recycling"}


@dataclass(frozen=True)
class Origin:
    """What the widgets were filled from. config: resolved."""

    name: str
    config: RunConfig
    sees: str = ""  # of a story: what there will be to see


def fill(config: RunConfig) -> None:
    """Give every widget of the Lab the value of a resolved config; call it before any is placed."""
    images.fill(config)
    attack.fill(config)
    way.fill(config)
    training.fill(config)


def like(run: RunFolder) -> None:
    """Start from the config of a run. What cannot be read is said on the page."""
    _adopt("like", run.id)
    _settle(lambda: Origin(f"the run {run.id}", config_of(run).resolved()))


def tell(key: str) -> None:
    """Start from a story."""
    story = STORIES[key]
    _adopt("story", key)
    _settle(lambda: Origin(f"*{story.title}*", story.config.resolved(), story.sees))


def _settle(make: Callable[[], Origin]) -> None:
    try:
        origin = make()
        fill(origin.config)
    except (InputError, KeyError, TypeError, ValueError) as problem:
        st.session_state[PROBLEM] = str(problem)
    else:
        st.session_state[KEY] = origin
        st.session_state.pop(PROBLEM, None)


def from_address() -> None:
    """Take up `?like=RUN` or `?story=KEY`, once, and what `?setup=` changes of it; before any widget is placed."""
    for name in ("like", "story"):
        asked = st.query_params.get(name)
        if not asked or st.session_state.get(f"lab-{name}") == asked:
            continue
        if name == "story" and asked in STORIES:
            tell(asked)
        elif name == "like" and (run := find(asked)):
            like(run)
        else:
            st.query_params.pop(name, None)
            said = f"There is no {'run' if name == 'like' else 'story'} {quoted(asked)} here"
            st.toast(f"{said}; showing the settings as they were.", icon=":material/link_off:", duration="long")
            st.session_state[PROBLEM] = said
    if address.is_stepped() and not {"like", "story"} & set(st.query_params):
        leave()
        st.session_state.pop(KEY, None)
    if asked := address.news(SETUP):
        try:
            fill(link.config_of(asked))
        except InputError:
            address.refuse(SETUP)
    elif address.is_stepped():
        fill(link.config_of(_usual()))


def publish(config: RunConfig) -> None:
    """Write the settings into the address where they are not those that it leads to without. config: resolved."""
    text = link.text_of(config)
    address.write(SETUP, "" if text == _usual() else text)


def _usual() -> str:
    """The settings that the Lab started from, as `link.text_of` has them."""
    origin = st.session_state.get(KEY)
    return link.text_of(origin.config) if origin else ""


def leave() -> None:
    """From another page: the next link into the Lab is to be taken up, the same as before or not."""
    for name in ("like", "story"):
        st.session_state.pop(f"lab-{name}", None)


def find(run_id: str) -> RunFolder | None:
    try:
        return data.user_runs().open(run_id)
    except InputError:
        return data.bundled().get(run_id)


def _adopt(name: str, value: str) -> None:
    other = "story" if name == "like" else "like"
    st.session_state[f"lab-{name}"] = st.query_params[name] = value
    st.session_state.pop(f"lab-{other}", None)
    st.query_params.pop(other, None)


def stories() -> None:
    """The row of cards at the top: one click fills everything."""
    st.markdown("**Start from a story**, or set up your own below.")
    with st.container(horizontal=True, key="stories", gap="small"):
        for key, story in STORIES.items():
            with st.container(border=True, key=f"story-{key}", height="stretch"):
                st.markdown(f":material/{ICONS[key]}: **{story.title}**")
                st.caption(story.sees)
                chosen = st.session_state.get("lab-story") == key
                st.button(
                    "Chosen" if chosen else "Set it up", key=f"tell-{key}", on_click=tell, args=(key,),
                    icon=":material/check:" if chosen else ":material/tune:",
                )  # fmt: skip


def show(config: RunConfig | None) -> None:
    """What the Lab was filled from, and what has been changed since. config: resolved, where the widgets make one."""
    if PROBLEM in st.session_state:
        st.warning(as_sentence(st.session_state.pop(PROBLEM)))
    origin = st.session_state.get(KEY)
    if origin is None or config is None:
        return
    told = changes(origin.config, config)
    line = f"changed: {'; '.join(f'**{one}**' for one in told)}" if told else "nothing is changed yet"
    with st.container(horizontal=True, vertical_alignment="center", key="origin"):
        st.markdown(f":material/content_copy: Like {origin.name}; {line}.")
        if told:
            st.button(
                "Undo the changes", icon=":material/undo:", key="origin-again", on_click=fill, args=(origin.config,)
            )
