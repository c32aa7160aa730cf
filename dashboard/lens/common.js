// Shared by every component: the channel over which pictures of the same run agree, colours, axes, and saving files.

const hub = (window.spectreLens ??= { channels: new Map() });

/** What is known of one run in this page: `removed`, `truth`, `selected` (Uint8Array masks by row), `focus` (row), `cut`. */
function channelOf(name) {
  if (!hub.channels.has(name)) hub.channels.set(name, { state: {}, listeners: new Set() });
  return hub.channels.get(name);
}

function tell(channel, changes) {
  Object.assign(channel.state, changes);
  for (const listener of [...channel.listeners]) listener(changes);
}

function listen(channel, listener) {
  channel.listeners.add(listener);
  return () => channel.listeners.delete(listener);
}

/** Where a slider stood when its picture was closed, if another of the same channel takes its place: for a presenter's screen. */
const remember = (channel, at) => (channel.left = { at, when: performance.now() });
const recall = ({ left }) => (left && performance.now() - left.when < 3000 ? left.at : undefined);

/** A mask of n rows from base64 of bits, the lowest first; null stays null. */
function maskFrom(text, n) {
  if (text === null || text === undefined) return null;
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const mask = new Uint8Array(n);
  for (let i = 0; i < n; i++) mask[i] = (bytes[i >> 3] >> (i & 7)) & 1;
  return mask;
}

function count(mask) {
  let total = 0;
  if (mask) for (let i = 0; i < mask.length; i++) total += mask[i];
  return total;
}

/** What dashboard.lens.pack made: a JSON head and typed arrays. */
function unpack(data) {
  const bytes = data.slice(); // aligned anew
  const length = new DataView(bytes.buffer).getUint32(16, true); // after the digest
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(20, 20 + length)));
  const kinds = { f4: Float32Array, f8: Float64Array, i4: Int32Array, u1: Uint8Array };
  const arrays = {};
  for (const { name, dtype, offset, size } of head.arrays)
    arrays[name] = new kinds[dtype](bytes.buffer, offset, size);
  return { meta: head.meta, arrays };
}

const COLOURS = { clean: "#0072B2", poison: "#D55E00", trusted: "#009E73", selected: "#CC79A7", unknown: "#8A949E" };

// What pictures call what they show, where a page says nothing else; plain: the unmarked are not called clean by their colour.
const WORDS = { items: "images", hidden: "truth hidden", clean: "clean", poison: "poison", removed: "removed", plain: false };
const wordsOf = (meta) => ({ ...WORDS, ...meta?.words });

/** Ink, faint lines and ground of the visitor's theme. */
function themeOf(element) {
  const style = getComputedStyle(element);
  const ground = style.getPropertyValue("--st-background-color").trim() || "#FFFFFF";
  const ink = style.getPropertyValue("--st-text-color").trim() || "#0F1720";
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = ground;
  const rgb = parseInt(probe.fillStyle.slice(1, 7), 16);
  const isDark = ((rgb >> 16) & 255) + ((rgb >> 8) & 255) + (rgb & 255) < 384;
  return { ink, ground, faint: isDark ? "#2A323B" : "#E3E8ED", quiet: isDark ? "#A9B3BD" : "#4A5560" };
}

function blend(from, to, t) {
  const [a, b] = [from, to].map((c) => parseInt(c.slice(1), 16));
  const part = (shift) => Math.round(((a >> shift) & 255) * (1 - t) + ((b >> shift) & 255) * t);
  return `rgb(${part(16)},${part(8)},${part(0)})`;
}

/** Round numbers between low and high, about as many as asked for. */
function ticks(low, high, wanted) {
  const raw = (high - low) / Math.max(wanted, 1);
  const power = 10 ** Math.floor(Math.log10(raw || 1));
  const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= raw) ?? 10 * power;
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) found.push(Math.abs(at) < step * 1e-9 ? 0 : at);
  return found;
}

/** Ticks with their texts, which have as many digits as tell neighbours apart: [[value, text], ...]. */
function labelled(low, high, wanted) {
  const found = ticks(low, high, wanted);
  const step = Math.abs(found[1] - found[0]);
  const digits = step > 0 ? Math.min(Math.max(Math.ceil(-Math.log10(step) - 1e-9), 0), 12) : 0;
  return found.map((at) => [at, step > 0 && Math.abs(at) < 1000 ? String(Number(at.toFixed(digits))) : numberText(at)]);
}

function numberText(value) {
  const size = Math.abs(value);
  if (size >= 1000 || size === 0) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

/** How much larger than usual the page writes; a presenter's screen is read from the last row. */
const textScale = () => Math.max(1, parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1);

/** The height of a picture in CSS pixels: as asked, but with `spare` pixels (of usual type) of the window left, and no taller than wide on a phone. */
function heightFor({ height, spare }, width) {
  if (!spare) return height;
  const room = Math.max(260, Math.min(height, window.innerHeight - spare * textScale()));
  return Math.round(width < 520 ? Math.min(room, Math.max(260, width)) : room);
}

/** A canvas of the holder's width whose units are CSS pixels, or `scale` of them. */
function fit(canvas, width, height, scale = 1) {
  const ratio = (window.devicePixelRatio || 1) * scale;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width * scale}px`;
  canvas.style.height = `${height * scale}px`;
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return pen;
}

function element(kind, attributes = {}, ...children) {
  const made = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function save(name, content, type) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** At most one call a frame: `const draw = onFrame(() => ...)`; `draw.cancel()` ends it. */
function onFrame(act) {
  let handle = 0;
  const ask = () => {
    handle ||= requestAnimationFrame(() => {
      handle = 0;
      act();
    });
  };
  ask.cancel = () => {
    cancelAnimationFrame(handle);
    handle = 0;
  };
  return ask;
}

const stamps = new Map();

/** A small picture of one mark (dot, square, diamond, ring, cross), to be drawn thousands of times: far faster than paths. */
function stamp(kind, colour, radius, width = 1.4) {
  const scale = textScale();
  const ratio = (window.devicePixelRatio || 1) * scale;
  const key = [kind, colour, radius, width, ratio].join();
  let made = stamps.get(key);
  if (made) return made;
  const half = Math.ceil(radius + width + 1);
  const canvas = document.createElement("canvas");
  const pen = fit(canvas, 2 * half, 2 * half, scale);
  pen.translate(half, half);
  pen.fillStyle = pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.beginPath();
  if (kind === "square") pen.rect(-radius, -radius, 2 * radius, 2 * radius);
  else if (kind === "diamond") diamondPath(pen, 0, 0, radius);
  else if (kind === "cross") {
    pen.moveTo(-radius, -radius);
    pen.lineTo(radius, radius);
    pen.moveTo(-radius, radius);
    pen.lineTo(radius, -radius);
  } else pen.arc(0, 0, radius, 0, 2 * Math.PI);
  if (kind === "ring" || kind === "cross") pen.stroke();
  else pen.fill();
  made = { canvas, half };
  if (stamps.size > 200) stamps.clear(); // colours on their way between two others
  stamps.set(key, made);
  return made;
}

function diamondPath(pen, x, y, r) {
  pen.moveTo(x, y - r);
  pen.lineTo(x + r, y);
  pen.lineTo(x, y + r);
  pen.lineTo(x - r, y);
  pen.closePath();
}

const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Calls step(t) with t from 0 to 1 over some milliseconds; returns a function that ends it. */
function animate(milliseconds, step) {
  if (calm() || milliseconds <= 0) {
    step(1);
    return () => {};
  }
  const start = performance.now();
  let handle = requestAnimationFrame(function next(now) {
    const t = Math.min((now - start) / milliseconds, 1);
    step(t);
    if (t < 1) handle = requestAnimationFrame(next);
  });
  return () => cancelAnimationFrame(handle);
}

/** Whether two packed messages are the same: dashboard.lens.pack begins them with a digest. */
function same(a, b) {
  if (a === b || !a || !b) return a === b;
  for (let i = 0; i < 16; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * What Streamlit calls on mounting and whenever data, theme or place change: one object a mount, with `show(data)`,
 * `repaint()` and `close()`. The same data again changes nothing, so that zoom and brush stay.
 */
function mounting(make) {
  const mounts = new WeakMap();
  return ({ data, parentElement, setTriggerValue }) => {
    let mount = mounts.get(parentElement);
    if (!mount) mounts.set(parentElement, (mount = { thing: make(parentElement, setTriggerValue), data: undefined, calls: 0 }));
    const call = ++mount.calls;
    mount.thing.send = setTriggerValue;
    const ground = getComputedStyle(parentElement.host ?? parentElement).getPropertyValue("--st-background-color");
    if (mount.data === undefined || !(data instanceof Uint8Array ? same(mount.data, data) : mount.data === data)) {
      mount.data = data;
      mount.thing.show(data instanceof Uint8Array ? unpack(data) : data);
    } else if (mount.ground !== ground) mount.thing.repaint?.();
    mount.ground = ground;
    return () => {
      if (call !== mount.calls) return; // an earlier call that was overtaken, not the end of the mount
      mount.thing.close();
      mounts.delete(parentElement);
    };
  };
}
