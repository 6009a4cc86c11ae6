// Buttons, keys and the pointer. Each of them has a key; the help lists them.
import { part } from "./app.js";
import { perfetto, save, shiviz } from "./exports.js";
import { GROUPS } from "./rows.js";
import { make } from "./text.js";
/** @typedef {import("./app.js").App} App */

/** @type {[string, string, (app: App) => void][]} */
const KEYS = [
  ["ArrowDown", "next event", (app) => app.step(1)],
  ["ArrowUp", "event before", (app) => app.step(-1)],
  ["ArrowRight", "next event", (app) => app.step(1)],
  ["ArrowLeft", "event before", (app) => app.step(-1)],
  ["PageDown", "20 events on", (app) => app.step(20)],
  ["PageUp", "20 events back", (app) => app.step(-20)],
  ["Home", "first event", (app) => app.go(0)],
  ["End", "last event", (app) => app.go(app.model.length - 1)],
  [" ", "play, pause", (app) => app.toggle()],
  ["e", "next election", (app) => app.jump("election", 1)],
  ["E", "election before", (app) => app.jump("election", -1)],
  ["c", "next commit", (app) => app.jump("commit", 1)],
  ["C", "commit before", (app) => app.jump("commit", -1)],
  ["f", "next fault", (app) => app.jump("fault", 1)],
  ["F", "fault before", (app) => app.jump("fault", -1)],
  ["n", "next note", (app) => app.jump("note", 1)],
  ["N", "note before", (app) => app.jump("note", -1)],
  ["v", "the violation", (app) => toViolation(app)],
  ["+", "zoom in", (app) => zoom(app, 1.3)],
  ["-", "zoom out", (app) => zoom(app, 1 / 1.3)],
  ["0", "the whole run", (app) => fit(app)],
  ["t", "scale: by time, or by order", (app) => press("scale")],
  ["h", "heartbeats", (app) => press("heartbeats")],
  ["p", "only the causal past", (app) => press("focus")],
  ["/", "search", (app) => part("search").focus()],
  ["d", "dark or light", (app) => press("theme")],
  ["?", "these keys", (app) => press("help")],
];

/** @param {string} id */
const press = (id) => part(id).click();

/** @param {App} app */
function toViolation(app) {
  if (app.model.marks.violation.length) app.go(app.facts.length ? app.facts[app.facts.length - 1] : app.model.marks.violation[0]);
  else part("now").textContent = "this run broke no rule";
}

/**
 * @param {App} app
 * @param {number} factor
 */
function zoom(app, factor) {
  const row = app.rows.rowOf[app.at] ?? 0;
  app.diagram.zoomBy(factor, app.rows.length ? app.diagram.y(row) : undefined);
  app.paint();
}

/** @param {App} app */
function fit(app) {
  const { diagram, rows } = app;
  if (!rows.length) return;
  const span = Math.max(diagram.place(rows.length - 1) - diagram.place(0), 1);
  diagram.zoomBy((diagram.height - 60) / span / diagram.scale);
  diagram.top = diagram.place(0) - 4 / diagram.scale;
  app.paint();
}

/** @param {App} app */
export function connect(app) {
  buttons(app);
  filters(app);
  pointer(app);
  keys(app);
  menus(app);
  window.addEventListener("resize", () => { app.diagram.resize(); app.paint(true); });
  window.addEventListener("beforeprint", () => { document.documentElement.dataset.printing = "yes"; app.diagram.resize(); app.recolour(); app.paintNow(); });
  window.addEventListener("afterprint", () => { delete document.documentElement.dataset.printing; app.diagram.resize(); app.recolour(); });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => app.recolour());
  window.addEventListener("hashchange", () => { if (location.hash !== linkOf(app)) goToHash(app); });
}

/**
 * Return the part of the address that names the moment that is shown.
 * @param {App} app
 */
function linkOf(app) {
  return `#t=${app.model.events[app.at].time.toFixed(4)}`;
}

/**
 * Go to the moment that the address names, as in #t=12.114; return whether it names one.
 * @param {App} app
 */
export function goToHash(app) {
  const found = /^#t=([0-9.]+)$/.exec(location.hash);
  if (!found) return false;
  const decimals = (found[1].split(".")[1] || "").length;
  app.go(app.model.numberAt(Number(found[1]) + 0.5 * 10 ** -decimals));
  return true;
}

/** @param {App} app */
function buttons(app) {
  const on = (/** @type {string} */ id, /** @type {() => void} */ act) => part(id).addEventListener("click", act);
  on("back", () => app.step(-1));
  on("forward", () => app.step(1));
  on("play", () => app.toggle());
  for (const kind of ["election", "commit", "fault", "note"]) on(`next-${kind}`, () => app.jump(kind, 1));
  on("to-violation", () => toViolation(app));
  on("zoom-in", () => zoom(app, 1.3));
  on("zoom-out", () => zoom(app, 1 / 1.3));
  on("fit", () => fit(app));
  on("link", () => { location.hash = linkOf(app); });
  part("speed").addEventListener("change", (event) => { app.speed = Number(/** @type {HTMLSelectElement} */ (event.target).value); });
  app.scrub.addEventListener("input", () => app.go(app.rows.items[Number(app.scrub.value)] ?? 0));
  const turn = (/** @type {string} */ id, /** @type {(on: boolean) => void} */ act) => on(id, () => {
    const isOn = part(id).getAttribute("aria-pressed") !== "true";
    part(id).setAttribute("aria-pressed", String(isOn));
    act(isOn);
  });
  turn("scale", (isOn) => { app.diagram.byTime = isOn; app.diagram.clamp(); if (app.rows.length) app.diagram.centre(app.at); app.paint(); });
  turn("heartbeats", (isOn) => { app.filter.heartbeats = isOn; app.filterAgain(); });
  turn("focus", (isOn) => { app.diagram.focus = isOn; app.paint(); });
}

/** @param {App} app */
function filters(app) {
  const box = (/** @type {string} */ words, /** @type {(on: boolean) => void} */ act) => {
    const input = /** @type {HTMLInputElement} */ (make("input", { type: "checkbox", checked: true }));
    input.addEventListener("change", () => { act(input.checked); app.filterAgain(); });
    return make("label", {}, input, words);
  };
  for (let server = 0; server < app.model.servers; server++) {
    part("servers").append(box(`server ${server}`, (on) => { if (on) app.filter.servers.add(server); else app.filter.servers.delete(server); }));
  }
  for (const group of Object.keys(GROUPS)) {
    part("kinds").append(box(group, (on) => { if (on) app.filter.kinds.add(group); else app.filter.kinds.delete(group); }));
  }
  part("search").addEventListener("input", (event) => { app.filter.text = /** @type {HTMLInputElement} */ (event.target).value; app.filterAgain(); });
}

/** @param {App} app */
function pointer(app) {
  const { canvas } = app.diagram;
  let down = /** @type {{y: number, moved: number} | null} */ (null);
  canvas.addEventListener("pointerdown", (event) => { down = { y: event.clientY, moved: 0 }; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (!down) return;
    const moved = down.y - event.clientY;
    down.moved += Math.abs(moved);
    down.y = event.clientY;
    if (down.moved > 3) { app.diagram.pan(moved); app.paint(); }
  });
  canvas.addEventListener("pointerup", (event) => {
    const wasClick = down && down.moved <= 3;
    down = null;
    if (!wasClick) return;
    const box = canvas.getBoundingClientRect();
    const number = app.diagram.eventAt(event.clientX - box.left, event.clientY - box.top);
    if (number >= 0) app.go(number);
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) app.diagram.zoomBy(Math.exp(-event.deltaY / 300), event.clientY - canvas.getBoundingClientRect().top);
    else app.diagram.pan(event.deltaY);
    app.paint();
  }, { passive: false });
}

/** @param {App} app */
function keys(app) {
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches("input[type=search]")) { if (event.key === "Escape") target.blur(); return; }
    if (target.matches("select") || target.closest("dialog")) return;
    if (target.id === "scrub" && (event.key.startsWith("Arrow") || event.key.startsWith("Page"))) return;
    if (event.key === " " && target.matches("button, input, summary, a")) return;
    const found = KEYS.find(([key]) => key === event.key);
    if (!found) return;
    event.preventDefault();
    found[2](app);
  });
  const names = /** @type {Record<string, string>} */ ({ " ": "Space", ArrowDown: "↓", ArrowUp: "↑", ArrowRight: "→", ArrowLeft: "←" });
  part("keys").append(...KEYS.map(([key, words]) => make("tr", {}, make("th", { scope: "row" }, make("kbd", {}, names[key] || key)), make("td", {}, words))));
}

/** @param {App} app */
function menus(app) {
  const dialog = /** @type {HTMLDialogElement} */ (part("help-dialog"));
  part("help").addEventListener("click", () => dialog.showModal());
  part("close-help").addEventListener("click", () => dialog.close());
  part("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
    app.recolour();
  });
  const { name, test } = app.about;
  part("shiviz").addEventListener("click", () => save(`${name}.shiviz.log`, shiviz(app.model), "text/plain"));
  part("perfetto").addEventListener("click", () => save(`${name}.perfetto.json`, perfetto(app.model, test), "application/json"));
  part("print").addEventListener("click", () => window.print());
}
