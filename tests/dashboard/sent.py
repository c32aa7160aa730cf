"""What a page has given to the pictures of dashboard/lens, which AppTest does not know."""

from __future__ import annotations

import json
from typing import Any

from streamlit.testing.v1 import AppTest


def components(app: AppTest, name: str) -> list[Any]:
    """The messages to all components of a name, in the order of the page."""
    return [e.proto for e in app.get("bidi_component") if e.proto.component_name == f"spectre_lens_{name}"]


def codes(app: AppTest) -> list[str]:
    """The lines that can be copied."""
    return [json.loads(proto.json)["text"] for proto in components(app, "code")]


def figures(app: AppTest) -> list[str]:
    """The Plotly figures, as JSON."""
    return [json.loads(proto.json)["spec"] for proto in components(app, "figure")]
