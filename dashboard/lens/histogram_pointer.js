// Pointer and keys on a histogram: the cut is dragged, from its grip or from anywhere else, and moved by keys.

const BY = { ArrowRight: -1, ArrowUp: 1, ArrowLeft: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 };

function hearCut(histogram) {
  const { stage, grip } = histogram;
  let holds = false;
  const drag = (event) => histogram.drag(histogram.scores.frame.at(event, stage)[0]);
  stage.addEventListener("pointerdown", (event) => {
    if (histogram.meta.fixed || event.button) return;
    const onGrip = event.target === grip;
    if (!onGrip && event.pointerType === "touch") return; // the page scrolls; the grip is wide
    holds = true;
    grip.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    drag(event);
    event.preventDefault();
  });
  stage.addEventListener("pointermove", (event) => holds && drag(event));
  for (const end of ["pointerup", "pointercancel"])
    stage.addEventListener(end, () => {
      if (!holds) return;
      holds = false;
      histogram.letGo();
    });
  grip.addEventListener("keydown", (event) => {
    const by = BY[event.key];
    const to = { Home: 0, End: histogram.scores.n }[event.key] ?? (by === undefined ? undefined : histogram.removedCount + by);
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    histogram.remove(to);
  });
}
