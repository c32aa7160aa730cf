"""Each page driven through Streamlit's own test harness, on the bundled runs."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import data

SCREENS = data.ROOT / "dashboard" / "screens"


@pytest.fixture(autouse=True)
def own_runs(tmp_path, monkeypatch):
    """An empty folder of the user's own runs, so that nobody's runs are read or written."""
    monkeypatch.setenv("SPECTRE_LENS_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def open_page(name: str, **state) -> AppTest:
    app = AppTest.from_file(str(SCREENS / f"{name}.py"), default_timeout=60)
    for key, value in state.items():
        app.session_state[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def texts(app: AppTest) -> str:
    pieces = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.success]
    return "\n".join(str(piece.value) for piece in pieces) + "\n".join(f"{m.label} {m.value}" for m in app.metric)


def test_two_runs_come_with_the_program_the_signs_first():
    bundled = list(data.bundled().values())
    assert [run.config["dataset"] for run in bundled] == ["signs", "digits"]
    assert all(run.status.state == "finished" for run in bundled)


@pytest.mark.parametrize("run_id", sorted(data.bundled()))
def test_a_bundled_run_shows_spectre_removing_what_pca_misses_and_the_attack_gone(run_id):
    result = data.bundled()[run_id].result
    share = {key: d["true_positive_rate"]["value"] for key, d in result["defenses"].items()}
    assert share["spectre"] >= 0.9
    assert share["spectral"] <= 0.5
    assert result["before"]["attack_single"]["value"] >= 0.6
    assert result["after"]["attack_single"]["value"] <= 0.1
    assert abs(result["before"]["clean"]["value"] - result["after"]["clean"]["value"]) <= 0.02


def test_the_address_picks_the_run_and_the_defense_and_nonsense_the_first():
    app = AppTest.from_file(str(SCREENS / "inspect.py"), default_timeout=60)
    app.query_params["run"], app.query_params["defense"] = "digits-patch-10", "spectral"
    app.run()
    assert "run digits-patch-10" in texts(app)
    assert app.session_state["defense"] == "spectral"
    app = AppTest.from_file(str(SCREENS / "inspect.py"), default_timeout=60)
    app.query_params["run"] = "../../etc/passwd"
    app.run()
    assert not app.exception
    assert "run signs-patch-50" in texts(app)
