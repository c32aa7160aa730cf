"""Classes whose names look like Markdown, emoji, formulas or tags are named as they are, on every page that names them."""

import json
import shutil

import pytest

from benchmarks.serving import ROOT, serve
from tests.browser.chromium import open_view, unfold

SOURCE, TARGET = "*stop* :smile: $x$ <b>a</b>", "_80_ `km` [x](y) :red[z] a -> b"
RUN = "odd-names"
SAYS = """(name) => {
  const main = document.querySelector('[data-testid="stMainBlockContainer"]');
  const pieces = [...main.querySelectorAll('p, figcaption, h2, h4, label, li, small, span, td')];
  const plain = (text) => text.replaceAll('\\u2060', '').replace(/\\s+/g, ' ');
  return pieces.some((piece) => plain(piece.textContent).includes(name));
}"""


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """A dashboard with the bundled signs, whose attacked classes have other names."""
    folder = tmp_path_factory.mktemp("names")
    run = folder / "runs" / RUN
    shutil.copytree(ROOT / "assets" / "runs" / "signs-patch-50", run)
    result = json.loads((run / "result.json").read_text())
    victims, target = result["source"][0], result["target"]
    result["classes"][victims], result["classes"][target] = SOURCE, TARGET
    result |= {"victims": SOURCE, "goal": TARGET}
    (run / "result.json").write_text(json.dumps(result))
    with serve(folder) as server:
        yield server.url


@pytest.mark.parametrize(
    ("view", "names"),
    [
        (f"?run={RUN}&step=Trigger", (SOURCE, TARGET)),
        # the Story's further steps name them the same way
        pytest.param(f"?run={RUN}&step=Model", (SOURCE, TARGET), marks=pytest.mark.slow),
        pytest.param(f"?run={RUN}&step=Features", (TARGET,), marks=pytest.mark.slow),
        pytest.param(f"?run={RUN}&step=Remove", (SOURCE, TARGET), marks=pytest.mark.slow),
        (f"inspect?run={RUN}&truth=true", (TARGET,)),
        (f"compare?run={RUN}", (TARGET,)),
        (f"runs?run={RUN}", (SOURCE,)),
    ],
)
def test_a_page_names_classes_as_they_are(view, names, page, named):
    open_view(page, named, view)
    unfold(page)
    for name in names:
        page.wait_for_function(SAYS, arg=name)
