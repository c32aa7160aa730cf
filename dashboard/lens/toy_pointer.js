// Pointer and keys on the toy: the cluster is dragged by its grip, in any view, and moved by arrow keys.

const STEP = 0.25;
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function hearCluster(toy) {
  const { grip } = toy;
  let start = null;
  grip.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const { matrix, unit } = toy.hold();
    start = { x: event.clientX, y: event.clientY, place: toy.world.place, back: inverse(matrix), unit };
    grip.setPointerCapture(event.pointerId);
    grip.focus({ preventScroll: true });
    event.preventDefault();
  });
  grip.addEventListener("pointermove", (event) => {
    if (!start) return;
    const unit = start.unit * toy.sight.frame.scale;
    const [u, v] = [(event.clientX - start.x) / unit, (start.y - event.clientY) / unit];
    const [a, b, c] = start.back;
    toy.move([start.place[0] + a * u + b * v, start.place[1] + b * u + c * v]);
  });
  for (const end of ["pointerup", "pointercancel"])
    grip.addEventListener(end, () => {
      if (start) toy.sight.letGo();
      start = null;
    });
  grip.addEventListener("keydown", (event) => {
    toy.stay();
    const way = WAYS[event.key];
    if (event.key === "Home") toy.putBack();
    else if (way) toy.move(toy.world.place.map((v, i) => v + way[i] * (event.shiftKey ? 4 : 1) * STEP));
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/** The inverse of a symmetric matrix [xx, xy, yy]. */
function inverse([xx, xy, yy]) {
  const whole = xx * yy - xy * xy;
  return [yy / whole, -xy / whole, xx / whole];
}
