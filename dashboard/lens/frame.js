// The rectangle in which a picture shows its data, in units that grow with the type of the page, and the axes around it.

const LETTERS = '"Source Sans", "Source Sans Pro", sans-serif';

class Frame {
  /** margin: what is left, right, top and bottom of it, in units; width, height: of the whole picture, in CSS pixels. */
  constructor(margin, width, height) {
    this.scale = textScale();
    [this.width, this.height] = [width / this.scale, height / this.scale];
    [this.left, this.right] = [margin.left, this.width - margin.right];
    [this.top, this.floor] = [margin.top, this.height - margin.bottom];
    [this.wide, this.high] = [this.width - margin.left - margin.right, this.height - margin.top - margin.bottom];
    this.middle = [(margin.left + this.width - margin.right) / 2, (margin.top + this.height - margin.bottom) / 2];
  }

  /** The pen of a canvas, which takes the size of the picture. */
  pen(canvas) {
    return fit(canvas, this.width, this.height, this.scale);
  }

  clear(pen) {
    pen.clearRect(0, 0, this.width, this.height);
  }

  /** Nothing is drawn outside from now on; more: nor in a margin of that many units. */
  clip(pen, more = 0) {
    pen.beginPath();
    pen.rect(this.left - more, this.top - more, this.wide + 2 * more, this.high + 2 * more);
    pen.clip();
  }

  /** Where a pointer is on an element that covers the picture. */
  at(event, cover) {
    const box = cover.getBoundingClientRect();
    return [(event.clientX - box.left) / this.scale, (event.clientY - box.top) / this.scale];
  }

  css(length) {
    return `${length * this.scale}px`;
  }

  /** Values to write along either axis, with their texts. */
  numbersAcross(low, high) {
    return labelled(low, high, this.width / 90);
  }
  numbersUp(low, high) {
    return labelled(low, high, this.height / 60);
  }
}

/** Two axes, lines at their numbers. across, up: {low, high, at (the place of a value), title} each. */
function drawAxes(pen, frame, theme, across, up) {
  pen.font = `12px ${LETTERS}`;
  pen.lineWidth = 1;
  pen.strokeStyle = theme.faint;
  pen.fillStyle = theme.quiet;
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const [value, words] of frame.numbersAcross(across.low, across.high)) {
    const x = across.at(value);
    drawLine(pen, x, frame.top, x, frame.floor);
    pen.fillText(words, x, frame.floor + 5);
  }
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const [value, words] of frame.numbersUp(up.low, up.high)) {
    const y = up.at(value);
    drawLine(pen, frame.left, y, frame.right, y);
    pen.fillText(words, frame.left - 6, y);
  }
  drawTitles(pen, frame, theme, across.title, up.title);
}

/** What the axes show; middle: where the title of the lower one stands. */
function drawTitles(pen, frame, theme, across, up, middle = frame.middle[0]) {
  pen.fillStyle = theme.ink;
  pen.textAlign = "center";
  pen.textBaseline = "alphabetic";
  pen.fillText(across, middle, frame.height - 6);
  pen.save();
  pen.translate(12, frame.middle[1]);
  pen.rotate(-Math.PI / 2);
  pen.fillText(up, 0, 0);
  pen.restore();
}

function drawLine(pen, x0, y0, x1, y1) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}
