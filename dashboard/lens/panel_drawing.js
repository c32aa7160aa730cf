// What is painted on a panel, lowest first: axes and points, rings around some of them, and what lies under the pointer.

const MANY = 20_000; // points; above, they are pixels, which is faster
const CLEAR = 0.75; // how much a point hides what lies under it

const titlesOf = (unit) => [`direction 1 (${unit})`, `direction 2 (${unit})`];

function drawPoints(pen, plane, cloud, unit) {
  const { frame } = plane;
  const [x0, x1, y0, y1] = plane.window;
  const [across, up] = titlesOf(unit);
  const sharp = (place) => Math.round(place) + 0.5;
  frame.clear(pen);
  drawAxes(pen, frame, cloud.theme,
    { low: x0, high: x1, at: (value) => sharp(plane.x(value)), title: across },
    { low: y0, high: y1, at: (value) => sharp(plane.y(value)), title: up });
  if (cloud.n > MANY) return drawPixels(pen, plane, cloud.groups());
  pen.save();
  frame.clip(pen);
  pen.globalAlpha = CLEAR;
  const radius = cloud.n > 4000 ? 2.2 : 3;
  for (const { rows, colour, diamond } of cloud.groups())
    drawStamps(pen, plane, rows, stamp(diamond ? "diamond" : "dot", colour, diamond ? radius * 1.45 : radius));
  pen.restore();
}

/** Tens of thousands of points, as squares and diamonds of pixels: twenty times as fast as a canvas draws them. */
function drawPixels(pen, plane, groups) {
  const { frame, points } = plane;
  const ratio = pen.canvas.width / frame.width; // pixels of the screen by our unit
  const [x0, , y0] = plane.window;
  const [across, up] = plane.stretch;
  const [wide, high] = [frame.wide, frame.high].map((side) => Math.round(side * ratio));
  const sheet = new Raster(wide, high);
  for (const { rows, colour, diamond } of groups) {
    const half = Math.max(1, Math.round((diamond ? 2.2 : 1.5) * ratio));
    sheet.use(colour, CLEAR, half, diamond);
    for (const row of rows) sheet.mark((points[2 * row] - x0) * across * ratio, high - (points[2 * row + 1] - y0) * up * ratio);
  }
  pen.drawImage(sheet.canvas(), frame.left, frame.top, wide / ratio, high / ratio);
}

/** One mark at the place of every row, where it can be seen. */
function drawStamps(pen, plane, rows, { canvas, half }) {
  const { frame, points } = plane;
  const [x0, , y0] = plane.window;
  const [across, up] = plane.stretch;
  const [left, bottom] = [frame.left - half, frame.floor - half];
  const [right, low] = [frame.width, frame.height];
  for (const row of rows) {
    const x = left + (points[2 * row] - x0) * across;
    const y = bottom - (points[2 * row + 1] - y0) * up;
    if (x > 0 && x < right && y > -half && y < low) pen.drawImage(canvas, x, y, 2 * half, 2 * half);
  }
}

/** Rings of what is removed and selected. */
function drawRings(pen, plane, cloud) {
  const { state } = cloud.channel;
  const { ink } = cloud.theme;
  const [removed, selected] = [rowsOf(state.removed), rowsOf(state.selected)];
  const small = cloud.n > 4000 || cloud.crosses;
  plane.frame.clear(pen);
  pen.save();
  plane.frame.clip(pen, plane.zoom ? 0 : 6);
  pen.globalAlpha = removed.length > 3000 ? 0.5 : 1; // what is removed can be seen through it
  drawStamps(pen, plane, removed, small ? stamp("cross", ink, removed.length > 3000 ? 1.8 : 3.4, 1.2) : stamp("ring", ink, 5));
  pen.globalAlpha = 1;
  drawStamps(pen, plane, selected, selected.length > 3000 ? stamp("ring", COLOURS.selected, 3, 1) : stamp("ring", COLOURS.selected, 7.5, 2));
  pen.restore();
}

/** The row that is looked at, and the trail [[x, y], ...] of a lasso. */
function drawTouched(pen, plane, cloud, trail) {
  const { focus } = cloud.channel.state;
  plane.frame.clear(pen);
  pen.save();
  plane.frame.clip(pen, plane.zoom ? 0 : 6);
  if (focus !== null && focus !== undefined) drawCross(pen, plane.placeOf(focus), cloud.theme);
  cloud.draw?.(pen, plane);
  pen.restore();
  if (!(trail?.length > 1)) return;
  pen.beginPath();
  trail.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
  pen.fillStyle = COLOURS.selected + "26";
  pen.fill();
  pen.strokeStyle = COLOURS.selected;
  pen.lineWidth = 1.5;
  pen.stroke();
}

function drawCross(pen, [x, y], theme) {
  for (const [colour, width] of [[theme.ground, 6], [COLOURS.selected, 3]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.beginPath();
    pen.arc(x, y, 10, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      pen.moveTo(x + 7 * dx, y + 7 * dy);
      pen.lineTo(x + 15 * dx, y + 15 * dy);
    }
    pen.stroke();
  }
}

function rowsOf(mask) {
  const rows = [];
  if (mask) for (let row = 0; row < mask.length; row++) if (mask[row]) rows.push(row);
  return rows;
}
