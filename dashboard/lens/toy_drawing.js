// What is painted of the toy: axes, clean points and poison, filled where they are trusted, and both ellipses.

const UNITS = { raw: "made-up units", naive: "σ of all points", robust: "σ of the trusted points" };

/** Returns where the cluster is drawn. */
function drawToy(pen, sight, world, theme) {
  const { frame } = sight;
  const view = sight.now();
  const at = placer(view, frame.middle);
  frame.clear(pen);
  drawScale(pen, frame, theme, view.unit, UNITS[sight.name]);
  pen.save();
  frame.clip(pen);
  drawWorld(pen, world, at, theme);
  drawEllipse(pen, world.all, at, theme.quiet, [7, 5]);
  drawEllipse(pen, world.robust, at, COLOURS.trusted, []);
  pen.restore();
  return at(world.place);
}

/** From a point to its place in the picture. */
function placer({ centre, matrix: [xx, xy, yy], unit }, middle) {
  return ([x, y]) => {
    const [dx, dy] = [x - centre[0], y - centre[1]];
    const [u, v] = [xx * dx + xy * dy, xy * dx + yy * dy];
    return [middle[0] + u * unit, middle[1] - v * unit];
  };
}

/** Axes that count from the middle; unit: how long 1 is drawn. */
function drawScale(pen, frame, theme, unit, words) {
  const { middle } = frame;
  const [wide, high] = [frame.wide / 2 / unit, frame.high / 2 / unit];
  drawAxes(pen, frame, theme,
    { low: -wide, high: wide, at: (value) => middle[0] + value * unit, title: `feature 1 (${words})` },
    { low: -high, high, at: (value) => middle[1] - value * unit, title: `feature 2 (${words})` });
}

function drawWorld(pen, { clean, poison, robust }, at, theme) {
  const trusted = new Set(robust.trusted);
  pen.globalAlpha = 0.9;
  pen.lineWidth = 1.6;
  clean.forEach((point, i) => drawDot(pen, at(point), trusted.has(i)));
  poison.forEach((point, i) => drawDiamond(pen, at(point), trusted.has(clean.length + i), theme));
  pen.globalAlpha = 1;
}

function drawDot(pen, [x, y], trusted) {
  pen.beginPath();
  pen.arc(x, y, 3.4, 0, 2 * Math.PI);
  pen.fillStyle = pen.strokeStyle = COLOURS.clean;
  if (trusted) pen.fill();
  else pen.stroke(); // hollow: not among the trusted
}

function drawDiamond(pen, [x, y], trusted, theme) {
  pen.beginPath();
  diamondPath(pen, x, y, 4.6);
  pen.fillStyle = trusted ? COLOURS.poison : theme.ground; // hollow: not among the trusted
  pen.fill();
  pen.strokeStyle = COLOURS.poison;
  pen.lineWidth = 1.8;
  pen.stroke();
}

/** The ellipse of ALARM standard deviations. */
function drawEllipse(pen, { mean, cov: [xx, xy, yy] }, at, colour, dashes) {
  const a = Math.sqrt(xx); // Cholesky factor: the circle it maps is the ellipse
  const [b, c] = [xy / a, Math.sqrt(Math.max(yy - (xy / a) ** 2, 1e-12))];
  pen.beginPath();
  for (let i = 0; i <= 96; i++) {
    const [u, v] = [ALARM * Math.cos((i * Math.PI) / 48), ALARM * Math.sin((i * Math.PI) / 48)];
    const place = at([mean[0] + a * u, mean[1] + b * u + c * v]);
    if (i) pen.lineTo(...place);
    else pen.moveTo(...place);
  }
  pen.setLineDash(dashes);
  pen.strokeStyle = colour;
  pen.lineWidth = 2.5;
  pen.stroke();
  pen.setLineDash([]);
}

/** Beside the cluster, until it was dragged. */
function drawHint(pen, [x, y], theme) {
  pen.font = `600 14px ${LETTERS}`;
  pen.fillStyle = theme.ink;
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.lineWidth = 6;
  pen.lineJoin = "round";
  pen.strokeStyle = theme.ground; // the dashed line passes behind
  pen.strokeText("← drag me", x + 36, y);
  pen.fillText("← drag me", x + 36, y);
}
