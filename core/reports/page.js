"use strict";
// What moves in a report: a point shows its row, its file and its picture. All else works without this script.
(() => {
  const NEAR = 18; // pixels from a pointer to the point that it means
  const SVG = "http:\u002f\u002fwww.w3.org/2000/svg";

  function scatter(figure) {
    const plot = figure.querySelector(".plot"), svg = plot.querySelector("svg");
    const told = JSON.parse(figure.querySelector("script").textContent);
    const sheet = figure.querySelector(".sheet"), canvas = figure.querySelector("canvas");
    const words = figure.querySelector(".readout p");
    const inputs = [...figure.querySelectorAll(".views input")];
    const ring = document.createElementNS(SVG, "circle");
    ring.setAttribute("r", 7);
    ring.setAttribute("class", "o-chosen");
    ring.setAttribute("visibility", "hidden");
    svg.append(ring);
    const views = new Map();
    let at = -1;

    function places() { // of all points in the view that is shown, in the order of the rows
      const shown = inputs.findIndex((input) => input.checked);
      if (!views.has(shown)) {
        const found = [];
        for (const path of svg.querySelectorAll(`.g${shown} path:not(.o-ring)`))
          for (const middle of path.getAttribute("d").matchAll(/M(-?[\d.]+) (-?[\d.]+)/g)) found.push([+middle[1], +middle[2]]);
        views.set(shown, found);
      }
      return views.get(shown);
    }

    function show(i) {
      at = i;
      const place = places()[i];
      ring.setAttribute("cx", place[0]);
      ring.setAttribute("cy", place[1]);
      ring.setAttribute("visibility", "visible");
      words.textContent = [`row ${told.rows[i]}`, told.names[i], told.notes[i]].filter(Boolean).join(" · ");
      const which = told.which ? told.which[i] : -1;
      canvas.hidden = which < 0;
      if (which >= 0) {
        const [across, width, height] = told.sheet;
        canvas.width = width;
        canvas.height = height;
        canvas.getContext("2d").drawImage(sheet, (which % across) * width, Math.floor(which / across) * height, width, height, 0, 0, width, height);
      }
      for (const thumb of thumbs) thumb.classList.toggle("lit", +thumb.dataset.row === told.rows[i]);
    }

    function nearest(event) {
      const matrix = svg.getScreenCTM();
      const scale = matrix.a || 1, x = (event.clientX - matrix.e) / scale, y = (event.clientY - matrix.f) / scale;
      let best = -1, least = (NEAR / scale) ** 2;
      places().forEach((place, i) => {
        const far = (place[0] - x) ** 2 + (place[1] - y) ** 2;
        if (far <= least) [best, least] = [i, far]; // of equals the last, which lies on top
      });
      return best;
    }

    // marked rows come last in the order of drawing, and first for the keys
    const order = told.rows.map((_, i) => told.rows.length - 1 - i);
    const thumbs = [...(figure.closest("article, section") || figure).querySelectorAll(".thumb[data-row]")];
    const where = new Map(told.rows.map((row, i) => [row, i]));
    for (const thumb of thumbs) {
      const i = where.get(+thumb.dataset.row);
      if (i !== undefined) thumb.addEventListener("pointerenter", () => show(i));
    }
    for (const kind of ["pointermove", "pointerdown"])
      plot.addEventListener(kind, (event) => { const i = nearest(event); if (i >= 0 && i !== at) show(i); });
    for (const input of inputs) input.addEventListener("change", () => { if (at >= 0) show(at); });
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const end = { Home: 0, End: order.length - 1 }[event.key];
      if ((step === undefined && end === undefined) || !order.length) return;
      event.preventDefault();
      const now = at < 0 ? (step > 0 ? -1 : order.length) : order.indexOf(at);
      show(order[end ?? Math.min(order.length - 1, Math.max(0, now + step))]);
    });
  }

  for (const figure of document.querySelectorAll("figure.scatter")) scatter(figure);
  const contents = document.querySelector("nav details");
  if (matchMedia("screen and (max-width: 60rem)").matches) contents.open = false;
  const opened = [];
  addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details:not([open])")) { folded.open = true; opened.push(folded); }
  });
  addEventListener("afterprint", () => { while (opened.length) opened.pop().open = false; });
})();
