"""SPECTRE written from its specification alone: float64, NumPy and SciPy, as plain and as slow as it needs to be.

The fast implementation in `core.robust` is held against this file; nothing here is imported by the product.
Section numbers are those of the specification. Rows are samples; n rows, d features, m assumed poisons.
Source: Hayase, Kong, Somani, Oh, SPECTRE, ICML 2021, with the choices of the authors' published code.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.linalg import expm
from scipy.sparse.linalg import LinearOperator, eigsh

C = 10.0
TAU = 0.1
SHIFT = 3.0
DENSE_UP_TO = 8  # largest d for which the d^2 x d^2 operator is built
EXPLICIT_UP_TO = 20  # largest d for which the rows y kron y are; beyond, they would take minutes for every fit


def pca_scores(X: np.ndarray, k: int) -> np.ndarray:
    """Centre X (n, d) by its plain mean and project on the top k right singular vectors. Returns (n, k)."""
    centred = X - X.mean(axis=0)
    _, _, right = np.linalg.svd(centred, full_matrices=False)
    return centred @ right[:k].T


def covariance(X: np.ndarray, divisor: float) -> np.ndarray:
    """Covariance of X (n, k) about its own mean, over `divisor`. Returns (k, k)."""
    centred = X - X.mean(axis=0)
    return centred.T @ centred / divisor


def inverse_root(A: np.ndarray) -> np.ndarray:
    """The symmetric A^(-1/2) of a symmetric positive definite A (k, k)."""
    values, vectors = np.linalg.eigh(A)
    return vectors @ np.diag(1 / np.sqrt(values)) @ vectors.T


def kronecker_rows(Y: np.ndarray) -> np.ndarray:
    """Row i is y_i kron y_i. Y: (n, d). Returns (n, d^2)."""
    return np.stack([np.kron(y, y) for y in Y])


def dense_operator(Y: np.ndarray) -> np.ndarray:
    """(1/n) sum (y kron y)(y kron y)^T - vec(I) vec(I)^T, as a matrix. Y: (n, d). Returns (d^2, d^2)."""
    n, d = Y.shape
    total = np.zeros((d * d, d * d))
    for y in Y:
        pair = np.kron(y, y)
        total += np.outer(pair, pair)
    identity = np.eye(d).reshape(-1)
    return total / n - np.outer(identity, identity)


def top_eigenpair(Y: np.ndarray) -> tuple[float, np.ndarray]:
    """Eigenvalue of largest magnitude of the operator of Y (n, d), and its unit eigenvector as a (d, d) matrix."""
    d = Y.shape[1]
    if d <= DENSE_UP_TO:
        values, vectors = np.linalg.eigh(dense_operator(Y))
    else:
        operator = explicit_operator(Y) if d <= EXPLICIT_UP_TO else implicit_operator(Y)
        values, vectors = eigsh(operator, k=1, which="LM", tol=1e-12, v0=np.ones(d * d) + np.arange(d * d))
    best = int(np.argmax(np.abs(values)))
    return float(values[best]), vectors[:, best].reshape(d, d)


def explicit_operator(Y: np.ndarray) -> LinearOperator:
    """The same operator, applied through the rows y kron y, for Y (n, d) with d too large for the matrix."""
    n, d = Y.shape
    pairs = kronecker_rows(Y)
    identity = np.eye(d).reshape(-1)

    def product(v: np.ndarray) -> np.ndarray:
        v = v.reshape(-1)
        return pairs.T @ (pairs @ v) / n - identity * (identity @ v)

    return LinearOperator((d * d, d * d), matvec=product, dtype=np.float64)


def implicit_operator(Y: np.ndarray) -> LinearOperator:
    """The same operator without the rows y kron y: (y kron y) . vec(V) is y^T V y. Y: (n, d)."""
    n, d = Y.shape

    def product(v: np.ndarray) -> np.ndarray:
        V = v.reshape(d, d)
        forms = ((Y @ V) * Y).sum(axis=1)
        return (Y.T @ (forms[:, None] * Y) / n - np.trace(V) * np.eye(d)).reshape(-1)

    return LinearOperator((d * d, d * d), matvec=product, dtype=np.float64)


def deviations(Y: np.ndarray, V: np.ndarray) -> np.ndarray:
    """Section 2, step 4: |p_i - median(p)| with p_i = (y_i^T V y_i - trace V) / sqrt 2. Returns (n,)."""
    V = (V + V.T) / 2
    p = np.array([(y @ V @ y - np.trace(V)) / math.sqrt(2) for y in Y])
    return np.abs(p - np.median(p))


def find_cut(dev: np.ndarray, eps: float, tail: str) -> float | None:
    """The t of the first row, in ascending order of deviation, at which too many rows lie out there; None: no such row."""
    n = len(dev)
    for i, deviation in enumerate(np.sort(dev), start=1):
        t = deviation - SHIFT
        if t <= 0:
            continue
        bound = 1.0 if t <= 10 * math.log(1 / eps) else 3 * eps / (t * math.log(t)) ** 2
        share = i / n if tail == "published" else 1 - i / n
        if share >= bound:
            return float(t)
    return None


def rows_kept(values: np.ndarray, inside: np.ndarray, allow: int) -> np.ndarray:
    """`inside` joined with the n - allow rows of smallest value. Both (n,). Returns (n,) bool."""
    kept = inside.copy()
    kept[np.argsort(values, kind="stable")[: len(values) - allow]] = True
    return kept


def filter_history(
    Z: np.ndarray, eps: float, allow: int, tail: str = "published"
) -> tuple[np.ndarray, list[dict[str, Any]], str]:
    """Section 2 on Z (n, d). Returns the trusted rows (n,) bool, one record per round that dropped rows, and why it stopped."""
    rows = np.arange(len(Z))
    history: list[dict[str, Any]] = []
    stopped = "allowance"
    while allow > 0:
        S = Z[rows]
        n, d = S.shape
        Y = S @ inverse_root(S.T @ S / n)
        norms = (Y**2).sum(axis=1)
        limit = C * d * math.log(n / TAU)
        record: dict[str, Any] = {"rows_before": n, "eigenvalue": None, "threshold": None, "cut": None}
        if (norms >= limit).any():
            record["reason"] = "norm"
            kept = rows_kept(norms, norms < limit, allow)
        else:
            value, V = top_eigenpair(Y)
            threshold = 1 + C * eps * math.log(1 / eps) ** 2
            if value <= threshold:
                stopped = "converged"
                break
            dev = deviations(Y, V)
            cut = find_cut(dev, eps, tail)
            if cut is None:
                stopped = "no threshold"
                break
            record.update(reason="moment", eigenvalue=value, threshold=threshold, cut=cut)
            kept = rows_kept(dev, dev <= cut, allow)
        record["dropped"] = rows[~kept]
        history.append(record)
        allow -= int((~kept).sum())
        rows = rows[kept]
    trusted = np.zeros(len(Z), dtype=bool)
    trusted[rows] = True
    return trusted, history, stopped


def filter_rows(Z: np.ndarray, eps: float, allow: int, tail: str = "published") -> np.ndarray:
    """Section 2: the rows of Z (n, d) that the robust covariance filter trusts. Returns (n,) bool."""
    return filter_history(Z, eps, allow, tail)[0]


def que_matrix(T: np.ndarray, alpha: float) -> np.ndarray:
    """Section 1, step 5: expm(alpha (T - I) / (||T||_2 - 1)) of trace 1; alpha = 0 where nothing exceeds. T: (k, k)."""
    excess = np.linalg.norm(T, 2) - 1
    if excess <= 0:
        alpha, excess = 0.0, 1.0
    Q = expm(alpha * (T - np.eye(len(T))) / excess)
    return Q / np.trace(Q)


def remove_top(scores: np.ndarray, count: int) -> np.ndarray:
    """The `count` rows of largest score, and those that tie with the last of them. scores: (n,). Returns (n,) bool."""
    if count == 0:
        return np.zeros(len(scores), dtype=bool)
    return scores >= sorted(scores, reverse=True)[count - 1]


def spectre_fixed_k(X: np.ndarray, m: int, k: int, alpha: float = 4.0, tail: str = "published") -> dict[str, Any]:
    """Section 1 on X (n, d). Returns scores (n,), removed (n,) bool and trusted (n,) bool."""
    n = len(X)
    Z = pca_scores(X, k)
    if k == 1:
        scores, trusted = Z[:, 0] ** 2, np.ones(n, dtype=bool)
    else:
        trusted = filter_rows(Z, m / n, round(2 * m), tail)
        Sigma = covariance(Z[trusted], trusted.sum())
        W = Z @ inverse_root(Sigma)
        Q = que_matrix(covariance(W, n - 1), alpha)
        scores = np.array([w @ Q @ w for w in W])
    return {"scores": scores, "removed": remove_top(scores, round(1.5 * m)), "trusted": trusted}


def mean_que(G: np.ndarray, removed: np.ndarray, alpha: float = 4.0) -> float:
    """Section 3: the objective of one removed set (n,) bool, judged in all K dimensions of G (n, K)."""
    kept = G[~removed]
    W = G @ inverse_root(covariance(kept, len(kept) - 1))
    T = covariance(W, len(G) - 1)
    Q = que_matrix(T, alpha)
    return float(np.trace(T @ Q) / np.trace(Q))


def largest_k(X: np.ndarray) -> int:
    """K = min(100, d, n - 1, n // 4, numerical rank), at least 1. X: (n, d)."""
    n, d = X.shape
    rank = int(np.linalg.matrix_rank(X - X.mean(axis=0)))
    return max(1, min(100, d, n - 1, n // 4, rank))


def candidate_ks(K: int) -> list[int]:
    """round(linspace(1, sqrt(K), 10)^2), each once, ascending."""
    return sorted({round(float(root) ** 2) for root in np.linspace(1, math.sqrt(K), 10)})


def spectre(X: np.ndarray, m: int, alpha: float = 4.0, K: int | None = None, tail: str = "published") -> dict[str, Any]:
    """Section 3 on X (n, d). Returns k, ks, objectives (one per candidate), candidates, and removed and scores of the best."""
    K = largest_k(X) if K is None else K
    G = pca_scores(X, K)
    ks = candidate_ks(K)
    fits = [spectre_fixed_k(X, m, k, alpha, tail) for k in ks]
    objectives = [mean_que(G, fit["removed"], alpha) for fit in fits]
    best = int(np.argmax(objectives))  # argmax takes the first of equals
    return {"k": ks[best], "ks": ks, "objectives": objectives, "candidates": fits, **fits[best]}


def spectral_signatures(X: np.ndarray, m: int) -> dict[str, Any]:
    """Section 5: |projection on PC1| after centring. X: (n, d). Returns scores (n,) and removed (n,) bool."""
    scores = np.abs(pca_scores(X, 1)[:, 0])
    return {"scores": scores, "removed": remove_top(scores, round(1.5 * m))}
