// PNG, SVG and CSV of every Plotly figure on the page, and the whole screen for it: small buttons under it, wherever one appears.
//
// A picture is made by the figure's own "Download plot" button, which is told the format and the name beforehand. The table is written here, from the numbers that are drawn.

const LABELS = { png: "picture", svg: "drawing", csv: "table" };
const ID = /^[a-z0-9][a-z0-9._-]{0,99}$/;

export default function ({ parentElement }) {
  if (parentElement.slExport) return; // drawn again: the watch goes on
  const figures = document.getElementsByClassName("js-plotly-plot");
  const equip = () => {
    for (const figure of figures) if (!barOf(figure)) figure.parentElement.append(bar(figure));
  };
  const observer = new MutationObserver(equip);
  observer.observe(document.body, { childList: true, subtree: true });
  parentElement.slExport = observer;
  equip();
  return () => {
    observer.disconnect();
    delete parentElement.slExport;
    for (const left of document.querySelectorAll(".sl-export")) left.remove();
  };
}

function barOf(figure) {
  return figure.parentElement?.querySelector(":scope > .sl-export");
}

function bar(figure) {
  const group = document.createElement("div");
  group.className = "sl-export";
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", "Save this figure");
  const what = figure.parentElement.getAttribute("aria-label") || "this figure";
  for (const [kind, word] of Object.entries(LABELS)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = kind.toUpperCase();
    button.title = `Save as a ${word}`;
    button.setAttribute("aria-label", `${button.textContent}: save as a ${word}, ${what}`);
    button.addEventListener("click", () => {
      // Streamlit may have put another figure into the same place since
      const drawn = group.parentElement.querySelector(":scope > .js-plotly-plot");
      if (kind === "csv") saveTable(drawn, nameOf(drawn));
      else savePicture(drawn, kind, nameOf(drawn));
    });
    group.append(button);
  }
  if (document.fullscreenEnabled) group.append(larger(group, what));
  return group;
}

function larger(group, what) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "FULL SCREEN";
  button.title = "Fill the screen; Escape goes back";
  button.setAttribute("aria-label", `Fill the screen with ${what}`);
  button.addEventListener("click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else group.parentElement.requestFullscreen();
  });
  return button;
}

// "<run, or page>-<figure>", from the address and from the key that the page gave the figure.
function nameOf(figure) {
  const run = new URLSearchParams(location.search).get("run") ?? "";
  const page = location.pathname.split("/").filter(Boolean).pop() ?? "";
  const key = figure.closest("[class*='st-key-']")?.className.match(/st-key-(\S+)/)?.[1] ?? "figure";
  const place = [run, page].find((name) => ID.test(name)) ?? "spectre-lens";
  return `${place}-${key}`.replace(/[^A-Za-z0-9._-]+/g, "-");
}

function savePicture(figure, format, filename) {
  const press = figure.querySelector('.modebar-btn[data-title^="Download plot"]');
  const { toImageButtonOptions: options } = figure._context;
  const { paper_bgcolor, font } = figure.layout;
  figure._context.toImageButtonOptions = {
    format,
    filename,
    scale: format === "png" ? Math.max(2, devicePixelRatio) : 1, // never coarser than this screen shows it
  };
  // The figures are transparent, which many viewers show as black; and a file does not carry the page's letters, so
  // that texts measured in them would be cut. Plotly copies the layout at once: the figure on the page never changes.
  const ground = getComputedStyle(document.querySelector(".stApp")).backgroundColor;
  Object.assign(figure.layout, { paper_bgcolor: ground, font: { ...font, family: "Arial, Helvetica, sans-serif" } });
  try {
    press.click();
  } finally {
    figure._context.toImageButtonOptions = options;
    restore(figure.layout, { paper_bgcolor, font });
  }
}

function restore(layout, before) {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete layout[name];
    else layout[name] = value;
  }
}

function saveTable(figure, name) {
  // The mark at the head makes a spreadsheet read the Greek letters rightly.
  const file = new Blob(["\ufeff", table(figure)], { type: "text/csv;charset=utf-8" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = `${name}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// Lines and dots that only hold a figure together: they have no name, and nothing to say where somebody points at them.
const isDrawing = (trace) => trace.hoverinfo === "skip" && !trace._input?.name && !trace.meta?.series;

// What is drawn, unrounded: maps as rows by columns, everything else as one row a point.
function table(figure) {
  const traces = figure._fullData.filter((trace) => trace.visible === true && !isDrawing(trace));
  const maps = traces.filter((trace) => isMatrix(trace.z));
  const series = traces.filter((trace) => !isMatrix(trace.z));
  const parts = maps.map((trace) => matrix(trace, figure._fullLayout));
  if (series.length) parts.push(long(series, figure._fullLayout));
  return parts.map((rows) => rows.map((row) => row.map(cell).join(",") + "\r\n").join("")).join("\r\n");
}

function matrix(trace, layout) {
  const corner = `${title(layout, trace, "y") ?? "y"} \\ ${title(layout, trace, "x") ?? "x"}`;
  const at = (axis, i) => trace[axis]?.[i] ?? i;
  const head = [corner, ...Array.from(trace.z[0], (_, i) => at("x", i))];
  const values = trace.meta?.values ?? trace.z; // where the colours are not what the cells say
  return [head, ...Array.from(values, (row, i) => [at("y", i), ...row])];
}

function long(traces, layout) {
  const columns = new Map([["series", (trace) => trace.meta?.series ?? trace.name ?? ""]]);
  const add = (name, of) => {
    if (traces.some((trace) => of(trace, 0) !== undefined)) columns.set(heading(name, traces, layout), of);
  };
  for (const letter of ["x", "y"]) {
    add(letter, (trace, i) => place(trace, letter, i));
    const titles = new Set(traces.map((trace) => title(layout, trace, letter)));
    if (titles.size > 1) add(`${letter} is`, (trace) => title(layout, trace, letter) ?? "");
  }
  for (const name of ["z", "labels", "values", "base", "text", "ids"]) add(name, (trace, i) => item(trace[name], i));
  for (const error of ["error_x", "error_y"])
    for (const side of ["array", "arrayminus"])
      add(`${error} ${side === "array" ? "plus" : "minus"}`, (trace, i) => item(trace[error]?.[side], i));
  const width = Math.max(0, ...traces.map((trace) => depth(trace.customdata)));
  if (width === 1) add("customdata", (trace, i) => [item(trace.customdata, i)].flat()[0]);
  else
    for (let j = 0; j < width; j++) add(`customdata ${j + 1}`, (trace, i) => item(item(trace.customdata, i), j));
  const rows = traces.flatMap((trace) =>
    Array.from({ length: size(trace) }, (_, i) => Array.from(columns.values(), (of) => of(trace, i))),
  );
  return [[...columns.keys()], ...rows];
}

// What the figure calls the column (layout.meta.columns), else the letter with the title of the axis if all share one.
function heading(name, traces, layout) {
  const given = layout.meta?.columns?.[name];
  if (given) return given;
  if (name !== "x" && name !== "y") return name;
  const titles = new Set(traces.map((trace) => title(layout, trace, name)));
  const [only] = titles;
  return titles.size === 1 && only ? `${name}: ${only}` : name;
}

function title(layout, trace, letter) {
  const axis = (trace[`${letter}axis`] ?? letter).replace(letter, `${letter}axis`);
  const text = layout[axis]?._input?.title?.text ?? layout[axis]?._input?.title;
  return typeof text === "string" ? text.replace(/<[^>]+>/g, " ") : undefined;
}

// A trace that names only one coordinate counts along the other.
function place(trace, letter, i) {
  if (trace.meta?.[letter]) return item(trace.meta[letter], i); // where marks are moved aside, so that none hides another
  if (trace[letter] !== undefined) return item(trace[letter], i);
  const other = trace[letter === "x" ? "y" : "x"];
  const start = trace[`${letter}0`];
  return isList(other) && typeof start === "number" ? start + i * (trace[`d${letter}`] ?? 1) : undefined;
}

const isList = (value) => Array.isArray(value) || ArrayBuffer.isView(value);
const isMatrix = (value) => isList(value) && isList(value[0]);
const item = (values, i) => (isList(values) ? values[i] : undefined);
const depth = (values) => (isList(values) && values.length ? (isList(values[0]) ? values[0].length : 1) : 0);

function size(trace) {
  return Math.max(0, ...["x", "y", "z", "labels", "values"].map((name) => (isList(trace[name]) ? trace[name].length : 0)));
}

function cell(value) {
  if (value === undefined || value === null || Number.isNaN(value)) return "";
  if (typeof value !== "string") return String(value);
  const plain = value.replace(/<br ?\/?>/g, " ").replace(/<\/?(b|i|sub|sup)>/g, ""); // how a figure sets it
  // A spreadsheet would run a text that begins like a formula.
  const text = /^[=+\-@\t\r]/.test(plain) && !Number.isFinite(Number(plain)) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
