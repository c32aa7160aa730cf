// What is painted of a histogram: axes, bars of each kind, the cut, and above them what the colours mean.

const COUNTS = [0, 1, 5, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000]; // images that a line may stand for

/** kinds: as Scores tallies them; cut: its place; title: of the axis; fixed: the cut cannot be dragged. */
function drawHistogram(pen, scores, theme, { kinds, cut, title, fixed, items }) {
  const { frame } = scores;
  const peak = Math.max(1, ...kinds.flatMap((kind) => [...kind.bars]));
  const y = (number) => frame.floor - Math.sqrt(number / peak) * (frame.floor - frame.top);
  frame.clear(pen);
  pen.font = `12px ${LETTERS}`;
  drawCounts(pen, frame, theme, COUNTS.filter((number) => number <= peak), y);
  drawNumbers(pen, scores);
  drawTitles(pen, frame, theme, title, `${items} (root scale)`, (frame.left + frame.width) / 2);
  drawBars(pen, frame, theme, kinds, y);
  drawCut(pen, frame, theme, cut);
  drawLegend(pen, frame, theme, kinds, fixed);
}

/** Lines and numbers of the root scale, as far as there is room between them. */
function drawCounts(pen, frame, theme, counts, y) {
  pen.strokeStyle = theme.faint;
  pen.lineWidth = 1;
  pen.fillStyle = theme.quiet;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  let last = Infinity;
  for (const number of counts) {
    const at = Math.round(y(number)) + 0.5;
    if (last - at < 14) continue;
    last = at;
    drawLine(pen, frame.left, at, frame.right, at);
    pen.fillText(number.toLocaleString("en-US"), frame.left - 6, at);
  }
}

/** Numbers of the axis of scores. */
function drawNumbers(pen, scores) {
  const { frame, low, high, log } = scores;
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const at of log ? powers(low, high, frame.width / 60) : ticks(low, high, frame.width / 80))
    pen.fillText(numberText(log ? 10 ** at : at), scores.x(at), frame.floor + 5);
}

/** Decimal logarithms of 1, 2, 5, 10, ... between low and high, thinned out to about as many as asked for. */
function powers(low, high, wanted) {
  const steps = [];
  for (let power = Math.floor(low); power <= high; power++)
    for (const f of [1, 2, 5]) {
      const at = power + Math.log10(f);
      if (at >= low && at <= high) steps.push(at);
    }
  const apart = Math.ceil(steps.length / Math.max(2, wanted));
  return steps.filter((_, i) => i % apart === 0);
}

function drawBars(pen, frame, theme, kinds, y) {
  const step = frame.wide / BINS;
  const wide = Math.max(step - 1, 1);
  pen.globalAlpha = 0.85;
  for (const { colour, bars, name } of kinds) {
    pen.fillStyle = colour;
    bars.forEach((number, bin) => {
      if (!number) return;
      const [left, top] = [frame.left + bin * step, y(number)];
      pen.fillRect(left, top, wide, frame.floor - top);
      if (name === "poison") drawHatch(pen, theme, [left, top, wide, frame.floor - top], 1);
    });
  }
  pen.globalAlpha = 1;
}

/** Slanting lines over a box [left, top, width, height]: poison is told by more than its colour. */
function drawHatch(pen, theme, [left, top, width, height], thick) {
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  pen.strokeStyle = theme.ground;
  pen.lineWidth = thick;
  pen.globalAlpha = 0.6;
  pen.beginPath();
  for (let at = -height; at < width; at += 6) {
    pen.moveTo(left + at, top + height);
    pen.lineTo(left + at + height, top);
  }
  pen.stroke();
  pen.restore();
}

function drawCut(pen, frame, theme, place) {
  const top = frame.top - 8;
  pen.fillStyle = theme.ink;
  pen.globalAlpha = 0.07;
  pen.fillRect(place, top, frame.right + 8 - place, frame.floor - frame.top + 8);
  pen.globalAlpha = 1;
  pen.strokeStyle = theme.ink;
  pen.lineWidth = 2;
  pen.setLineDash([6, 4]);
  drawLine(pen, place, top, place, frame.floor);
  pen.setLineDash([]);
}

function drawLegend(pen, frame, theme, kinds, fixed) {
  let x = frame.left;
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  for (const { name, colour } of kinds) {
    pen.fillStyle = colour;
    pen.fillRect(x, 6, 11, 11);
    if (name === "poison") drawHatch(pen, theme, [x, 6, 11, 11], 2);
    pen.fillStyle = theme.ink;
    pen.fillText(name, x + 16, 12);
    x += 32 + pen.measureText(name).width;
  }
  pen.textAlign = "right";
  if (!fixed) pen.fillText("drag the cut ↔", frame.right, 12);
}
