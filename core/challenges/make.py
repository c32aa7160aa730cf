"""A finished run becomes a challenge: every label scored alike, the truth sealed.

The rows are shuffled, since the order of a data set can tell what an image was before it was poisoned. Nothing in the
public part names the attack, the number of poisons or the seed of the run: with the seed, the clean set could be made
again and compared; nor does it name a file, whose folder is what the image shows. Labels of about one size are cut to
exactly one: the poison has moved images from one label to another, and the counts would tell.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.audit.groups import Group, groups_of
from core.audit.scanning import CAP, MIN_ROWS
from core.audit.verdict import LEVEL, judge
from core.challenges.folder import FORMAT, ID, MAX_NAMES, MAX_ROWS, check_public
from core.defenses import SpectralSignatures, Spectre
from core.experiment import restage
from core.experiment.feature_files import write_features
from core.experiment.views import make_views
from core.foundation.errors import InputError
from core.foundation.pictures import viewable
from core.foundation.sheets import pack
from core.runs import RunFolder

Step = Callable[[str, float], None]
UNEVEN = 1.5  # times the smallest label: above, sizes differ by nature and are left alone
SHARE = 0.1  # of the median class are assumed to be poison unless the teacher says a number


def make_challenge(
    run: RunFolder,
    out: Path,
    *,
    title: str = "",
    assumed: int | None = None,
    device: str = "auto",
    on_step: Step | None = None,
) -> dict[str, Any]:
    """Write the challenge of a run into the new folder `out`, and return what a teacher wants to know of it.

    title: must not give the answer away; the data set's name unless given. assumed: poisons that the scores reckon with
    in each class; a tenth of the median class unless given, so that it does not tell the true number.
    Raises InputError where the run cannot be a challenge, or the folder cannot be written.
    """
    _check_folder(out)
    if run.status.state != "finished":
        raise InputError(f"{run.id} is {run.status.state}; a challenge is made of a finished run")
    tell = on_step or (lambda _words, _share: None)
    staged = restage(run)
    classes = list(staged.poisoned.class_names)
    shape = list(viewable(staged.poisoned.images[:1]).shape[1:])
    public: dict[str, Any] = {
        "format": FORMAT,
        "title": title.strip() or staged.config.dataset,
        "classes": classes,
        "rows": min(len(staged.poisoned), MAX_ROWS),
        "image": shape,
        "assumed": assumed or 1,
    }
    check_public(public, out)  # before the work, or nobody could open what it leaves
    with tempfile.TemporaryDirectory() as folder:
        write_features(run, Path(folder), truth=True, device=device, on_step=lambda s: tell("features", s))
        features, labels, poisoned = (
            np.load(Path(folder) / f"{name}.npy", allow_pickle=False) for name in ("features", "labels", "truth")
        )
    true_labels = staged.truth.true_labels
    _check_set(labels, poisoned, classes)
    count = assumed or max(2, round(SHARE * float(np.median(np.bincount(labels)))))
    order = _order(labels, poisoned, np.random.default_rng(secrets.randbits(64)))
    table, hint = score_labels(features[order], labels[order], classes, count, device=device, tell=tell)
    suspicious = poisoned[order]
    truth = {
        "format": FORMAT,
        "salt": secrets.token_hex(32),
        "label": int(labels[poisoned][0]) if poisoned.any() else None,
        "poison": np.flatnonzero(suspicious).tolist(),
        "true_labels": true_labels[order][suspicious].tolist(),
        "story": _story(run, staged.attack.title, staged.attack.in_words()),
        "sources": _sources(staged.split.train.sources, order),
    }
    images = viewable(staged.poisoned.images)[order]
    result = run.result
    config = staged.config
    public |= {
        "rows": len(order),
        "assumed": count,
        "about": {
            "dataset": config.dataset,
            "model": config.model,
            "layer": config.layer,
            "features": int(features.shape[1]),
            "accuracy": result["before"]["clean"],
        },
    }
    _write(out, public, truth, hint, table, pack(images))
    return {"rows": len(order), "assumed": count, "poisons": int(poisoned.sum()), "verdict": hint["verdict"]}


def score_labels(
    features: np.ndarray,
    labels: np.ndarray,
    classes: list[str],
    assumed: int,
    *,
    device: str = "auto",
    tell: Step = lambda _words, _share: None,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Score the rows of every label as if it were the poisoned one.

    features: (n, d). labels: (n,). assumed: poisons in each class. Returns the table of `rows.parquet` and the hint.
    """
    table = pd.DataFrame({"id": np.arange(len(labels)), "label": labels.astype(np.int32)})
    found = []
    groups: dict[int, list[Group]] = {}
    for label, name in enumerate(classes):
        tell(f"label {name}", label / len(classes))
        rows = np.flatnonzero(labels == label)
        poisons = min(assumed, int(CAP * len(rows)))
        spectre = Spectre(n_poisons=poisons, device=device).fit(features[rows])
        pca = SpectralSignatures(n_poisons=poisons, device=device)
        pca.fit(features[rows], components=spectre.fit_.components)
        views, _ = make_views(spectre)
        values = {"que": spectre.scores_, "pca": pca.scores_}
        values |= {
            f"{view}_{axis}": views[view][:, i] for view in ("raw", "naive", "robust") for i, axis in enumerate("xy")
        }
        for column, value in values.items():
            if column not in table:
                table[column] = np.zeros(len(table), np.float32)
            table.loc[rows, column] = value.astype(np.float32)
        found.append({"label": label, "objective": spectre.fit_.best.objective})
        scores = spectre.fit_.components.scores
        groups[label] = groups_of(scores, np.zeros((len(rows), 0)), [spectre.fit_.best.whiten(scores)])
    standing = {label: judged for label, judged in judge(groups).items() if judged.groups}
    suspects = sorted(standing, key=lambda label: standing[label].p_value or 0.0)
    ranking = sorted(found, key=lambda f: -f["objective"])
    return table, {
        "verdict": _in_words([classes[label] for label in suspects]),
        "ranking": [{"label": f["label"], "objective": float(f"{f['objective']:.6g}")} for f in ranking],
    }


def _in_words(suspects: list[str]) -> str:
    if not suspects:
        return f"none stands out: no label has a group of rows far enough from its others (level {LEVEL:g})"
    names = " and ".join(f"label {name}" for name in suspects[:3])
    if len(suspects) == 1:
        return f"{names} stands out: some of its rows lie together, far from the others (level {LEVEL:g})"
    return f"{names} stand out: some of their rows lie together, far from the others (level {LEVEL:g})"


def _order(labels: np.ndarray, poisoned: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Rows in a random order, without the clean ones that labels of about one size have more than the smallest."""
    order = draw.permutation(len(labels))
    sizes = np.bincount(labels)
    if sizes.max() > UNEVEN * sizes.min():
        return order
    kept = []
    for label, size in enumerate(sizes):
        rows = order[labels[order] == label]
        spare = rows[~poisoned[rows]][: size - sizes.min()]
        kept.append(rows[~np.isin(rows, spare)])
    return draw.permutation(np.concatenate(kept))


def _check_folder(out: Path) -> None:
    if not ID.fullmatch(out.name):
        raise InputError(f"'{out.name}' cannot name a challenge; use small letters, digits, dots and dashes in --out")
    parent = next((p for p in out.absolute().parents if p.exists()), None)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is already there; choose another --out")
    if parent is None or not parent.is_dir() or not os.access(parent, os.W_OK):
        raise InputError(f"{out} cannot be written; choose another --out")


def _check_set(labels: np.ndarray, poisoned: np.ndarray, classes: list[str]) -> None:
    if len(labels) > MAX_ROWS:
        raise InputError(f"the run has {len(labels):,} images; a challenge has at most {MAX_ROWS:,}")
    if len(np.unique(labels[poisoned])) > 1:
        raise InputError("the poison of this run carries several labels; a challenge asks for one")
    for label, count in enumerate(np.bincount(labels, minlength=len(classes))):
        if count < MIN_ROWS:
            raise InputError(
                f"label {classes[label]} has {count} image(s); each needs at least {MIN_ROWS} to be scored"
            )


def _sources(sources: np.ndarray | None, order: np.ndarray) -> list[str]:
    """Where each image came from, by id; empty where it is not known, or is too long to keep."""
    told = [] if sources is None else [str(source) for source in sources[order]]
    return told if len(json.dumps(told)) <= MAX_NAMES else []


def _story(run: RunFolder, attack: str, words: str) -> dict[str, Any]:
    """How the set was made, for after the reveal. Plain JSON values."""
    result = run.result
    poisons = int(result["poisons"])
    return {
        "attack": attack if poisons else None,
        "in_words": words if poisons else None,
        "victims": result["victims"] if poisons else None,
        "covers": int(result["covers"]),
        "success": result["before"]["attack_single"] if poisons else None,
        "accuracy": result["before"]["clean"],
        "seed": result["seed"],
        "device": result["device"],
        "seconds": round(sum(result["seconds"].values())),
        "command": result["command"],
    }


def _write(
    out: Path, public: dict[str, Any], truth: dict[str, Any], hint: dict[str, Any], table: pd.DataFrame, images: bytes
) -> None:
    sealed = json.dumps(truth, indent=1, allow_nan=False).encode()
    public["seal"] = hashlib.sha256(sealed).hexdigest()
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "truth.json").write_bytes(sealed)
        (out / "hint.json").write_text(json.dumps(hint, indent=1, allow_nan=False), encoding="utf-8")
        (out / "images.webp").write_bytes(images)
        table.to_parquet(out / "rows.parquet", index=False, compression="zstd")
        # last, since a folder counts as a challenge from here on
        (out / "challenge.json").write_text(json.dumps(public, indent=1, allow_nan=False), encoding="utf-8")
    except OSError as problem:
        raise InputError(f"{out} cannot be written ({problem.strerror}); choose another --out") from None
