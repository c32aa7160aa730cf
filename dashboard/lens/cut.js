// A histogram whose cut only proposes: what lies above it is selected in the clouds of another channel, not removed.

class Cut extends Histogram {
  show(packed) {
    super.show(packed);
    this.grip.setAttribute("aria-label", "Cut: images above it, highest scores first");
  }

  heard(changes) {
    super.heard(changes);
    // While it is dragged the server has not heard of it; the server's own word comes over the other channel.
    if ("removed" in changes && typeof this.dragged === "number") tell(channelOf(this.meta.selects), { selected: changes.removed });
  }

  drawNow() {
    super.drawNow();
    this.grip.setAttribute("aria-valuetext", this.said(this.removedCount));
  }

  said(number) {
    return super.said(number).replace(/^removed/, "above the cut");
  }
}

export default mounting((root, send) => new Cut(root, send));
