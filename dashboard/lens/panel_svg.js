// A panel as SVG text, for papers and slides.

function svgOf(plane, cloud, unit) {
  const { frame } = plane;
  const { state } = cloud.channel;
  const theme = cloud.theme;
  const parts = [`<rect width="100%" height="100%" fill="${theme.ground}"/>`];
  const text = (x, y, words, anchor, more = "") => {
    const safe = words.replace(/[<&>]/g, (c) => `&#${c.charCodeAt(0)};`);
    parts.push(`<text x="${x}" y="${y}" fill="${theme.ink}" text-anchor="${anchor}" font-size="12" font-family="sans-serif" ${more}>${safe}</text>`);
  };
  for (const [at, words] of frame.numbersAcross(plane.window[0], plane.window[1])) {
    parts.push(`<path d="M${plane.x(at)} ${frame.top}V${frame.floor}" stroke="${theme.faint}"/>`);
    text(plane.x(at), frame.floor + 16, words, "middle");
  }
  for (const [at, words] of frame.numbersUp(plane.window[2], plane.window[3])) {
    parts.push(`<path d="M${frame.left} ${plane.y(at)}H${frame.right}" stroke="${theme.faint}"/>`);
    text(frame.left - 6, plane.y(at) + 4, words, "end");
  }
  const [across, up] = titlesOf(unit);
  const middle = frame.middle[1];
  text(frame.width / 2, frame.height - 6, across, "middle");
  text(12, middle, up, "middle", `transform="rotate(-90 12 ${middle})"`);
  const place = (row) => plane.placeOf(row).map((length) => length.toFixed(1));
  for (const { rows, colour, diamond } of cloud.groups()) {
    parts.push(`<g fill="${colour}" fill-opacity="${CLEAR}">`);
    for (const row of rows) {
      const [x, y] = place(row);
      parts.push(diamond ? `<path d="M${x} ${y}m0 -4l4 4l-4 4l-4 -4z"/>` : `<circle cx="${x}" cy="${y}" r="3"/>`);
    }
    parts.push("</g>");
  }
  for (const [mask, colour, radius] of [[state.removed, theme.ink, 5], [state.selected, COLOURS.selected, 7.5]])
    mask?.forEach((on, row) => {
      if (!on) return;
      const [x, y] = place(row);
      parts.push(`<circle cx="${x}" cy="${y}" r="${radius}" fill="none" stroke="${colour}" stroke-width="1.5"/>`);
    });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${frame.width}" height="${frame.height}">${parts.join("")}</svg>`;
}
