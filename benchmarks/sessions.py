"""Real Streamlit sessions without a browser: a client of the protocol that the page in the browser speaks.

    async with Session("http://127.0.0.1:8501") as visitor:
        answer = await visitor.open(page="inspect", query="run=signs-patch-50")
        answer = await visitor.rerun({"Remove the highest": 40})  # widgets by key or by label
        print(answer.seconds, answer.bytes, answer.exceptions)

A visitor is one web socket at `_stcore/stream`, as a browser tab is. It keeps what the page shows (`elements`), remembers
the value of each widget it moved, sends them all with every rerun, names the fragment a widget lies in, and drops what a
run did not draw again. It does not draw: what a browser needs to parse and paint comes on top of `seconds`.

The server sends a picture that it knows to be in the browser's cache by its hash alone, and so it does here.

Used by the benchmarks and by the test of many at once. Needs nothing but Streamlit, which brings websockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Slider_pb2 import Slider as SliderProto
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

Path = tuple[int, ...]
QUIET = 0.02  # seconds without a new run after which a run counts as the last of its chain (`st.rerun` makes chains)
KEPT_RUNS = 2  # a browser forgets a message that so many runs did not use
# Which field of a widget's state carries its value, and which field of the element holds it where the server sets it.
FIELDS = {
    "button": ("trigger_value", ""),
    "download_button": ("trigger_value", ""),
    "checkbox": ("bool_value", "value"),
    "text_input": ("string_value", "value"),
    "text_area": ("string_value", "value"),
    "number_input": ("double_value", "value"),
    "slider": ("double_array_value", "value"),
    "selectbox": ("string_value", "raw_value"),
    "radio": ("string_value", "raw_value"),
    "button_group": ("string_array_value", "raw_values"),
    "multiselect": ("string_array_value", "raw_values"),
    "pagination": ("int_value", "value"),
    "plotly_chart": ("string_value", ""),
    "bidi_component": ("json_value", ""),  # our own pictures: '{"selected": [1, 2]}'
}
FINISHED = {ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY}


@dataclass
class Answer:
    """What the server sent for one change."""

    seconds: float  # from the change being sent until the last run of it is finished
    deltas: list[Delta] = field(default_factory=list)  # in the order in which they came
    exceptions: list[str] = field(default_factory=list)
    bytes: int = 0


class Session:
    """One visitor. Widgets are named by the key that the page gave them, or by their label."""

    def __init__(self, url: str, *, timeout: float = 60.0, theme: str = "light") -> None:
        self.url, self.timeout, self.theme = url.rstrip("/"), timeout, theme
        self.query = ""
        self._page = ""
        self._page_hash = ""
        self._shown: dict[Path, tuple[Delta, int]] = {}  # with the number of the run that drew it
        self._states: dict[str, WidgetState] = {}
        self._cache: dict[str, tuple[ForwardMsg, int]] = {}  # with the number of the run that used it
        self._timers: dict[str, float] = {}  # fragments that run by themselves, with their seconds
        self._runs = 0
        self._socket: ClientConnection | None = None

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self, page: str = "", query: str = "") -> Answer:
        """Connect, and run the page of that address ("" is the first page). query: `run=...&step=...`"""
        host = self.url.removeprefix("http://")
        self._socket = await connect(
            f"ws://{host}/_stcore/stream", max_size=None, open_timeout=self.timeout, subprotocols=["streamlit"],  # type: ignore[list-item]
        )  # fmt: skip
        return await self.visit(page, query)

    async def visit(self, page: str, query: str = "") -> Answer:
        """Go to another page of the app, as its menu does; the session stays the same."""
        self._page, self._page_hash, self.query = page, "", query
        return await self._run()

    async def rerun(self, changes: Mapping[str, Any] | None = None) -> Answer:
        """Change widgets, {key or label: value}, a button by True; wait until the page has answered.

        Raises KeyError where the page shows no such widget, TimeoutError where the server does not answer.
        """
        fragment = ""
        triggers: list[WidgetState] = []
        for name, value in (changes or {}).items():
            delta = self._widget(name)
            state = _state(delta.new_element, value)
            if state.HasField("trigger_value"):
                triggers.append(state)
            else:
                self._states[state.id] = state
            fragment = delta.fragment_id
        return await self._run(fragment, triggers)

    async def tick(self) -> list[Answer]:
        """Run every fragment that runs by itself (`run_every`) once, as the browser's clock does.

        One of them may draw the whole page anew and so end the clock of another; a request for what is gone gets no answer.
        """
        return [
            await self._run(fragment, automatic=True) for fragment in list(self._timers) if fragment in self._timers
        ]

    async def close(self) -> None:
        if self._socket:
            await self._socket.close()
            self._socket = None

    @property
    def elements(self) -> list[Element]:
        """What the page shows, from top to bottom."""
        return [delta.new_element for _, (delta, _) in sorted(self._shown.items()) if delta.HasField("new_element")]

    def texts(self) -> str:
        """All that the page says in Markdown, HTML, alerts, headings and metrics, one piece a line."""
        return "\n".join(text for element in self.elements for text in _words(element))

    def has(self, name: str) -> bool:
        """Whether a widget of that key or label is on the page."""
        with contextlib.suppress(KeyError):
            return bool(self._widget(name))
        return False

    def value_field(self, name: str) -> Any:
        """The element of a widget, to read its options or limits."""
        element = self._widget(name).new_element
        return getattr(element, str(element.WhichOneof("type")))

    def _widget(self, name: str) -> Delta:
        label = None
        for delta, _ in self._shown.values():
            inner = _inner(delta.new_element)
            if inner is None or not getattr(inner, "id", ""):
                continue
            if inner.id.endswith(f"-{name}"):
                return delta
            if getattr(inner, "label", None) == name:
                label = label or delta
        if label is None:
            raise KeyError(f"the page shows no widget '{name}'")
        return label

    async def _run(
        self, fragment: str = "", triggers: list[WidgetState] | None = None, automatic: bool = False
    ) -> Answer:
        if self._socket is None:
            raise RuntimeError("the session is not open")
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.page_name, asked.page_script_hash = self.query, self._page, self._page_hash
        asked.fragment_id, asked.is_auto_rerun = fragment, automatic
        asked.widget_states.widgets.extend([*self._states.values(), *(triggers or [])])
        asked.cached_message_hashes.extend(self._cache)
        asked.context_info.url = f"{self.url}/?{self.query}"
        asked.context_info.timezone, asked.context_info.locale = "UTC", "en-US"
        asked.context_info.color_scheme = self.theme
        started = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        answer = Answer(0.0)
        finished = False
        kinds: list[str] = []  # of what came, for the message of a run that does not end
        while True:
            try:
                # A run that was finished may be followed by another one of the same chain.
                raw = await asyncio.wait_for(self._socket.recv(), QUIET if finished else self.timeout)
            except TimeoutError:
                if finished:
                    return answer
                raise TimeoutError(self._unanswered(asked, kinds)) from None
            answer.bytes += len(raw)
            said = ForwardMsg.FromString(raw if isinstance(raw, bytes) else raw.encode())
            kind = self._take(said, answer)
            kinds.append(_told(said, kind))
            if kind == "new_session":
                finished = False
            elif kind == "script_finished" and said.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                finished = True
                answer.seconds = time.perf_counter() - started
                self._forget(said)

    def _unanswered(self, asked: Any, kinds: list[str]) -> str:
        """What a run that did not end was asked for, and how far it got."""
        what = "by itself " if asked.is_auto_rerun else ""
        what += f"the fragment {asked.fragment_id[:8]}" if asked.fragment_id else "the page"
        place = asked.page_name or f"the page with the hash {asked.page_script_hash[:8]}"
        came = ", ".join(kinds[-6:]) or "nothing"
        return f"no answer from {self.url} within {self.timeout:g} s: {what}, {place}?{asked.query_string}; came last: {came}"

    def _take(self, said: ForwardMsg, answer: Answer) -> str:
        """Take one message in; returns its kind."""
        kind = said.WhichOneof("type") or ""
        if kind == "ref_hash":  # the picture of an earlier run, at the place that this message names
            known, _ = self._cache[said.ref_hash]
            place = said.metadata
            said = ForwardMsg()
            said.CopyFrom(known)
            said.metadata.CopyFrom(place)
            self._cache[known.hash] = (known, self._runs)
            kind = said.WhichOneof("type") or ""
        elif said.metadata.cacheable and said.hash:
            self._cache[said.hash] = (said, self._runs)
        if kind == "new_session":
            self._runs += 1
            if not said.metadata.run.fragment_ids:
                self._timers.clear()
        elif kind == "delta":
            answer.deltas.append(said.delta)
            answer.exceptions.extend(_exceptions(said.delta))
            self._shown[tuple(said.metadata.delta_path)] = (said.delta, self._runs)
            self._follow(said.delta)
        elif kind == "navigation":  # from now on the page goes by its hash; its name was for the way there
            self._page, self._page_hash = "", said.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = said.page_info_changed.query_string
        elif kind == "auto_rerun":
            self._timers[said.auto_rerun.fragment_id] = said.auto_rerun.interval
        elif kind == "session_event" and said.session_event.HasField("script_compilation_exception"):
            answer.exceptions.append(said.session_event.script_compilation_exception.message)
        return kind

    def _follow(self, delta: Delta) -> None:
        """Where the server sets a widget, the browser's value follows."""
        _, name = _fields(delta.new_element)
        inner = _inner(delta.new_element)
        if name and getattr(inner, "set_value", False):
            self._states[inner.id] = _state(delta.new_element, getattr(inner, name))

    def _forget(self, said: ForwardMsg) -> None:
        """What the run did not draw again is gone, and so are the values of its widgets."""
        if said.script_finished not in FINISHED:
            return
        fragments = set(said.metadata.run.fragment_ids)
        for path, (delta, drawn) in list(self._shown.items()):
            if drawn < self._runs and (not fragments or delta.fragment_id in fragments):
                del self._shown[path]
        there = {getattr(_inner(delta.new_element), "id", "") for delta, _ in self._shown.values()}
        self._states = {key: state for key, state in self._states.items() if key in there}
        self._cache = {key: kept for key, kept in self._cache.items() if kept[1] > self._runs - KEPT_RUNS}


def wait_for_server(url: str, seconds: float = 60.0) -> None:
    """Return once the server answers. Raises TimeoutError."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
            return
        time.sleep(0.05)
    raise TimeoutError(f"no server at {url} after {seconds:g} s")


def _told(said: ForwardMsg, kind: str) -> str:
    """The kind of a message; of the end of a run, how it ended."""
    return ForwardMsg.ScriptFinishedStatus.Name(said.script_finished) if kind == "script_finished" else kind


def _inner(element: Element) -> Any:
    kind = element.WhichOneof("type")
    return getattr(element, kind) if kind else None


def _fields(element: Element) -> tuple[str, str]:
    """The entry of FIELDS for an element; a slider between words goes by its words. Empty names for what is no widget."""
    kind = element.WhichOneof("type") or ""
    if kind == "slider" and element.slider.type == SliderProto.SELECT_SLIDER:
        return "string_array_value", "raw_value"
    return FIELDS.get(kind, ("", ""))


def _state(element: Element, value: Any) -> WidgetState:
    """The state message of a widget that is to have this value."""
    name, _ = _fields(element)
    if not name:
        raise KeyError(f"values of {element.WhichOneof('type')} are not known to this client")
    state = WidgetState(id=_inner(element).id)
    if name.endswith("_array_value"):
        many = list(value) if not isinstance(value, (str, int, float)) else [value]
        getattr(state, name).data.extend(many)
    else:
        setattr(state, name, value)
    return state


def _exceptions(delta: Delta) -> Iterator[str]:
    if delta.new_element.WhichOneof("type") == "exception":
        problem = delta.new_element.exception
        yield f"{problem.type}: {problem.message}"


def _words(element: Element) -> Iterator[str]:
    inner = _inner(element)
    for name in ("label", "body"):
        text = getattr(inner, name, "")
        if isinstance(text, str) and text:
            yield text
