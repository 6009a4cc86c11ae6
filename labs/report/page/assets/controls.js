// Buttons, keys and the pointer. Each of them has a key; the help lists them.
import { GROUPS } from "./rows.js";
import { make, part } from "./text.js";
/** @typedef {import("./app.js").App | import("./sides.js").Sides} App */

/** @type {[string, string, (app: App) => void][]} */
const KEYS = [
  ["ArrowDown", "next event", (app) => app.step(1)],
  ["ArrowUp", "event before", (app) => app.step(-1)],
  ["ArrowRight", "next event", (app) => app.step(1)],
  ["ArrowLeft", "event before", (app) => app.step(-1)],
  ["PageDown", "20 events on", (app) => app.step(20)],
  ["PageUp", "20 events back", (app) => app.step(-20)],
  ["Home", "first event", (app) => app.toStart()],
  ["End", "last event", (app) => app.toEnd()],
  [" ", "play, pause; live: run, stop", (app) => app.toggle()],
  ["e", "next election", (app) => app.jump("election", 1)],
  ["E", "election before", (app) => app.jump("election", -1)],
  ["c", "next commit", (app) => app.jump("commit", 1)],
  ["C", "commit before", (app) => app.jump("commit", -1)],
  ["f", "next fault", (app) => app.jump("fault", 1)],
  ["F", "fault before", (app) => app.jump("fault", -1)],
  ["n", "next note", (app) => app.jump("note", 1)],
  ["N", "note before", (app) => app.jump("note", -1)],
  ["v", "the violation", (app) => app.toViolation()],
  ["x", "the first difference", (app) => app.toDifference()],
  ["+", "zoom in", (app) => app.zoom(1.3)],
  ["-", "zoom out", (app) => app.zoom(1 / 1.3)],
  ["0", "the whole run", (app) => app.fit()],
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
export function connect(app) {
  buttons(app);
  filters(app);
  for (const diagram of app.diagrams) pointer(app, diagram);
  keys(app);
  menus(app);
  window.addEventListener("resize", () => app.resize());
  window.addEventListener("beforeprint", () => { document.documentElement.dataset.printing = "yes"; app.resize(); app.recolour(); app.paintNow(); });
  window.addEventListener("afterprint", () => { delete document.documentElement.dataset.printing; app.resize(); app.recolour(); });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => app.recolour());
  window.addEventListener("hashchange", () => { if (location.hash !== linkOf(app)) goToHash(app); });
}

/**
 * Return the part of the address that names the moment that is shown.
 * @param {App} app
 */
function linkOf(app) {
  return `#t=${app.time.toFixed(4)}`;
}

/**
 * Go to the moment that the address names, as in #t=12.114; return whether it names one.
 * @param {App} app
 */
export function goToHash(app) {
  const found = /^#t=([0-9.]+)$/.exec(location.hash);
  if (!found) return false;
  const decimals = (found[1].split(".")[1] || "").length;
  app.goToTime(Number(found[1]) + 0.5 * 10 ** -decimals);
  return true;
}

/** @param {App} app */
function buttons(app) {
  const on = (/** @type {string} */ id, /** @type {() => void} */ act) => part(id).addEventListener("click", act);
  on("back", () => app.step(-1));
  on("forward", () => app.step(1));
  on("play", () => app.toggle());
  for (const kind of ["election", "commit", "fault", "note"]) on(`next-${kind}`, () => app.jump(kind, 1));
  on("to-violation", () => app.toViolation());
  on("to-difference", () => app.toDifference());
  on("zoom-in", () => app.zoom(1.3));
  on("zoom-out", () => app.zoom(1 / 1.3));
  on("fit", () => app.fit());
  on("link", () => { location.hash = linkOf(app); });
  part("speed").addEventListener("change", (event) => { app.speed = Number(/** @type {HTMLSelectElement} */ (event.target).value); });
  app.scrub.addEventListener("input", () => app.scrubTo(Number(app.scrub.value)));
  const turn = (/** @type {string} */ id, /** @type {(on: boolean) => void} */ act) => on(id, () => {
    const isOn = part(id).getAttribute("aria-pressed") !== "true";
    part(id).setAttribute("aria-pressed", String(isOn));
    act(isOn);
  });
  turn("scale", (isOn) => app.setByTime(isOn));
  turn("heartbeats", (isOn) => { app.filter.heartbeats = isOn; app.filterAgain(); });
  turn("focus", (isOn) => app.setFocus(isOn));
}

/** @param {App} app */
function filters(app) {
  const box = (/** @type {string} */ words, /** @type {(on: boolean) => void} */ act) => {
    const input = /** @type {HTMLInputElement} */ (make("input", { type: "checkbox", checked: true }));
    input.addEventListener("change", () => { act(input.checked); app.filterAgain(); });
    return make("label", {}, input, words);
  };
  for (let server = 0; server < app.about.servers; server++) {
    part("servers").append(box(`server ${server}`, (on) => { if (on) app.filter.servers.add(server); else app.filter.servers.delete(server); }));
  }
  for (const group of Object.keys(GROUPS)) {
    part("kinds").append(box(group, (on) => { if (on) app.filter.kinds.add(group); else app.filter.kinds.delete(group); }));
  }
  part("search").addEventListener("input", (event) => { app.filter.text = /** @type {HTMLInputElement} */ (event.target).value; app.filterAgain(); });
}

/**
 * @param {App} app
 * @param {import("./diagram.js").Diagram} diagram
 */
function pointer(app, diagram) {
  const { canvas } = diagram;
  let down = /** @type {{y: number, moved: number} | null} */ (null);
  canvas.addEventListener("pointerdown", (event) => { down = { y: event.clientY, moved: 0 }; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (!down) return;
    const moved = down.y - event.clientY;
    down.moved += Math.abs(moved);
    down.y = event.clientY;
    if (down.moved > 3) app.pan(moved);
  });
  canvas.addEventListener("pointerup", (event) => {
    const wasClick = down && down.moved <= 3;
    down = null;
    if (!wasClick) return;
    const box = canvas.getBoundingClientRect();
    const number = diagram.eventAt(event.clientX - box.left, event.clientY - box.top);
    if (number >= 0) app.choose(diagram, number);
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) app.zoom(Math.exp(-event.deltaY / 300), event.clientY - canvas.getBoundingClientRect().top);
    else app.pan(event.deltaY);
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
  part("print").addEventListener("click", () => window.print());
}
