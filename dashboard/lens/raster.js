// A sheet of pixels on which small marks of one colour are laid over each other.

class Raster {
  constructor(width, height) {
    Object.assign(this, { width, height, data: new ImageData(Math.max(width, 1), Math.max(height, 1)) });
  }

  /** What comes next: "#RRGGBB" or "rgb(r,g,b)", how much it hides, pixels from the middle to the edge, diamond or square. */
  use(colour, alpha, half, diamond) {
    const parts = colour.startsWith("#") ? [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)) : colour.match(/\d+/g).map(Number);
    Object.assign(this, { red: parts[0], green: parts[1], blue: parts[2], alpha, half, diamond });
  }

  mark(x, y) {
    const { half, width, height, diamond, red, green, blue, alpha } = this;
    const pixels = this.data.data;
    const [left, top, size] = [Math.round(x - half), Math.round(y - half), 2 * half];
    if (!(left + size > 0 && left < width && top + size > 0 && top < height)) return;
    for (let j = Math.max(0, -top); j < size && top + j < height; j++) {
      const cut = diamond ? Math.floor(Math.abs(j + 0.5 - half)) : 0; // a diamond is narrow at both ends
      const end = Math.min(size - cut, width - left);
      for (let i = Math.max(cut, -left); i < end; i++) {
        const at = 4 * ((top + j) * width + left + i);
        const under = (pixels[at + 3] / 255) * (1 - alpha);
        const sum = alpha + under;
        pixels[at] = (red * alpha + pixels[at] * under) / sum;
        pixels[at + 1] = (green * alpha + pixels[at + 1] * under) / sum;
        pixels[at + 2] = (blue * alpha + pixels[at + 2] * under) / sum;
        pixels[at + 3] = 255 * sum;
      }
    }
  }

  canvas() {
    const canvas = element("canvas", { width: this.width, height: this.height });
    canvas.getContext("2d").putImageData(this.data, 0, 0);
    return canvas;
  }
}
