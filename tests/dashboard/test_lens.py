"""The messages that the canvases are given."""

import base64
import json
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs_version

from dashboard import lens

STATIC = Path(lens.__file__).parents[1] / "static"

DTYPES = {"f4": np.float32, "f8": np.float64, "i4": np.int32, "u1": np.uint8}


def unpack(message: bytes):
    """The way common.js reads a message."""
    length = int.from_bytes(message[16:20], "little")
    head = json.loads(message[20 : 20 + length])
    arrays = {a["name"]: np.frombuffer(message, DTYPES[a["dtype"]], a["size"], a["offset"]) for a in head["arrays"]}
    return head["meta"], arrays


def test_arrays_of_every_kind_and_length_survive_the_message():
    rng = np.random.default_rng(0)
    given = {
        "a": rng.random(7).astype(np.float32),
        "b": rng.random(3),
        "c": rng.integers(-5, 5, 9).astype(np.int32),
        "d": rng.integers(0, 255, 5).astype(np.uint8),
        "e": np.zeros(0, np.uint8),
    }
    meta, arrays = unpack(lens.pack({"name": "α"}, **given))
    assert meta == {"name": "α"}
    for name, array in given.items():
        np.testing.assert_array_equal(arrays[name], array)


def test_every_array_begins_where_its_type_may():
    message = lens.pack({}, a=np.zeros(3, np.uint8), b=np.zeros(2), c=np.zeros(5, np.float32), d=np.zeros(1))
    head = json.loads(message[20 : 20 + int.from_bytes(message[16:20], "little")])
    assert all(entry["offset"] % 8 == 0 for entry in head["arrays"])


def test_messages_differ_in_their_digest_as_soon_as_anything_differs():
    one, other = (lens.pack({"n": n}, a=np.arange(4.0)) for n in (1, 2))
    changed = lens.pack({"n": 1}, a=np.arange(4.0) + 1e-9)
    assert len({one[:16], other[:16], changed[:16]}) == 3
    assert lens.pack({"n": 1}, a=np.arange(4.0)) == one


@pytest.mark.parametrize("n", [1, 7, 8, 9, 1000])
def test_masks_are_bits_the_lowest_first(n):
    mask = np.random.default_rng(n).random(n) < 0.3
    raw = np.frombuffer(base64.b64decode(lens.bits(mask)), np.uint8)
    assert [(raw[i >> 3] >> (i & 7)) & 1 for i in range(n)] == mask.astype(int).tolist()


def test_scores_lie_on_a_log_axis_only_where_all_are_positive():
    ids = np.arange(3)
    assert unpack(lens.pack_histogram("c", ids, np.array([1.0, 2, 3]), name="x"))[0]["log"]
    assert not unpack(lens.pack_histogram("c", ids, np.array([0.0, 2, 3]), name="x"))[0]["log"]


def test_clouds_hold_every_view_in_single_precision_and_what_is_said_of_it():
    plane = np.random.default_rng(0).random((5, 2))
    views = [("raw", "Raw", "σ", plane), ("robust", "Robust", "σ of the trusted", 2 * plane)]
    meta, arrays = unpack(lens.pack_clouds("c", np.arange(5) + 100, views, notes=["one", "two"], path=True))
    assert [v["note"] for v in meta["views"]] == ["one", "two"]
    assert arrays["ids"].tolist() == [100, 101, 102, 103, 104]
    np.testing.assert_array_equal(arrays["robust"], (2 * plane).astype(np.float32).reshape(-1))


@pytest.mark.parametrize("part", ["basic", "cartesian"])
def test_the_browser_draws_with_the_version_that_python_describes(part):
    head = (STATIC / f"plotly-{part}.min.js").read_text("utf-8")[:200]
    assert f"plotly.js ({part} - minified) v{get_plotlyjs_version()}" in head
    assert f'"plotly-{part}.min.js"' in (Path(lens.__file__).parent / "figure.js").read_text("utf-8")


def test_a_figure_that_the_browser_could_not_draw_is_refused():
    with pytest.raises(ValueError, match="no part of Plotly that draws scatter3d"):
        lens.figure(go.Figure(go.Scatter3d(x=[1], y=[1], z=[1])), "deep", alt="", config={})
