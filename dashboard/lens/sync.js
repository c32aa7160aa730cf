// The server's word on a run: what is removed, revealed, selected and looked at. Small, so that pictures need not come again.

const PATIENCE = 5000; // ms to wait for the server to hear of a cut that was moved

class Sync {
  constructor() {
    this.last = {};
  }

  show({ channel, n, removed, truth, selected, focus, heard, moved }) {
    const changes = {};
    if (this.last.channel !== channel) this.last = { channel };
    for (const [name, text] of Object.entries({ removed, truth, selected }))
      if (this.last[name] !== text) changes[name] = maskFrom(text, n);
    const { state: known, waiting, moved: last } = channelOf(channel);
    const isBehind = last > moved && Date.now() - last < PATIENCE; // the cut has been moved on meanwhile
    if (isBehind) delete changes.removed;
    if (waiting?.size) changes.removed = withClicks(maskFrom(removed, n), waiting, heard);
    if ("selected" in changes && equal(changes.selected, known.selected)) delete changes.selected;
    if ("removed" in changes && equal(changes.removed, known.removed)) delete changes.removed;
    if (known.focus !== focus) changes.focus = focus;
    this.last = { channel, removed: isBehind ? undefined : removed, truth, selected, focus };
    if (Object.keys(changes).length) tell(channelOf(channel), changes);
  }

  close() {}
}

/** What the server says is removed, and the clicks it had not heard of when it said so; those it had are forgotten. */
function withClicks(mask, waiting, heard) {
  for (const [row, { isIn, at }] of waiting) {
    if (at <= heard) waiting.delete(row);
    else if (mask) mask[row] = isIn ? 1 : 0;
  }
  return mask;
}

function equal(a, b) {
  if (!a || !b) return !a && !b;
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

export default mounting(() => new Sync());
