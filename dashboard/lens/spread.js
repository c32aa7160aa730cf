// Means and covariances of points in the plane: of all of them, and of those that can be trusted.

/** Numbers between 0 and 1, the same every time (mulberry32). */
function dice(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Two independent standard normal numbers. */
function normals(random) {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  const angle = 2 * Math.PI * random();
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** Mean [x, y] and covariance [xx, xy, yy] of the given rows of points [[x, y]], the covariance times `factor`. */
function spreadOf(points, rows = points.map((_, i) => i), factor = 1) {
  const n = rows.length;
  const mean = [0, 1].map((axis) => rows.reduce((sum, row) => sum + points[row][axis], 0) / n);
  const cov = [0, 0, 0];
  for (const row of rows) {
    const [dx, dy] = [points[row][0] - mean[0], points[row][1] - mean[1]];
    cov[0] += (factor * dx * dx) / n;
    cov[1] += (factor * dx * dy) / n;
    cov[2] += (factor * dy * dy) / n;
  }
  return { mean, cov: [cov[0] + 1e-9, cov[1], cov[2] + 1e-9] }; // rows on one line have no inverse
}

const determinant = ({ cov: [xx, xy, yy] }) => xx * yy - xy * xy;

/** The squared Mahalanobis distance: how many standard deviations, squared, a point lies from the mean. */
function far({ mean, cov: [xx, xy, yy] }, [x, y]) {
  const [dx, dy] = [x - mean[0], y - mean[1]];
  return (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / (xx * yy - xy * xy);
}

/** Concentration: the `keep` rows nearest to the mean give the next mean and covariance, until that shrinks no more. */
function concentrate(points, start, keep, most) {
  let best = start;
  for (let step = 0; step < most; step++) {
    const distances = points.map((point) => far(best, point));
    const rows = points.map((_, i) => i).sort((a, b) => distances[a] - distances[b]).slice(0, keep);
    const next = spreadOf(points, rows);
    if (step && determinant(next) >= determinant(best) * (1 - 1e-12)) break;
    best = next;
  }
  return best;
}

function median(values) {
  const order = Float64Array.from(values).sort();
  return order[order.length >> 1];
}

/** Centre and scale of each axis alone, by medians. */
function medianSpread(points) {
  const centre = [0, 1].map((axis) => median(points.map((point) => point[axis])));
  const scale = [0, 1].map((axis) => 1.4826 * median(points.map((point) => Math.abs(point[axis] - centre[axis]))));
  return { mean: centre, cov: [scale[0] ** 2 + 1e-9, 0, scale[1] ** 2 + 1e-9] };
}

/** By how much the covariance of the nearest share of a plane Gaussian is too small. */
function shortfall(share) {
  const radius = -2 * Math.log(1 - share); // chi-squared with 2 degrees of freedom
  return share / (1 - Math.exp(-radius / 2) * (1 + radius / 2));
}

/**
 * Minimum covariance determinant (Rousseeuw 1984), by concentration steps (Rousseeuw and Van Driessen 1999): of many
 * starts the `keep` rows of smallest covariance, then once more with all rows that 97.5 % of a Gaussian lie within.
 * Returns mean, covariance and `trusted`, the rows that it is made of.
 */
function robustSpread(points, keep) {
  const random = dice(7);
  const starts = [medianSpread(points), spreadOf(points)];
  for (let i = 0; i < 16; i++) starts.push(spreadOf(points, [0, 1, 2].map(() => Math.floor(random() * points.length))));
  const ends = starts.map((start) => concentrate(points, start, keep, 2)).sort((a, b) => determinant(a) - determinant(b));
  const core = ends
    .slice(0, 4)
    .map((end) => concentrate(points, end, keep, 30))
    .reduce((a, b) => (determinant(b) < determinant(a) ? b : a));
  const wide = { mean: core.mean, cov: core.cov.map((v) => v * shortfall(keep / points.length)) };
  const limit = -2 * Math.log(0.025);
  const trusted = points.map((_, i) => i).filter((i) => far(wide, points[i]) <= limit);
  return { ...spreadOf(points, trusted, shortfall(0.975)), trusted };
}

/** The symmetric matrix [xx, xy, yy] that makes the covariance a unit circle. */
function whitener({ cov: [xx, xy, yy] }) {
  const root = Math.sqrt(xx * yy - xy * xy);
  const t = Math.sqrt(xx + yy + 2 * root);
  const [a, b, c] = [(xx + root) / t, xy / t, (yy + root) / t]; // the square root of the covariance
  return [c / root, -b / root, a / root];
}
