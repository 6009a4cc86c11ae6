// The page of a live cluster: sends commands to its server, and takes up the lines of the trace that come back.
import { parseLines } from "./data.js";
import { make, part, visible } from "./text.js";
import { callName } from "./words.js";
/** @typedef {import("./app.js").App} App */
/** @typedef {import("./words.js").TraceEvent} TraceEvent */

const BEGIN = "press Run, or Space"; // what to do first
/** @typedef {{now: number, speed?: number, by_hand?: boolean, is_over?: boolean, reset?: boolean, lines?: string, words?: string, error?: string}} News */

export class LiveRun {
  /**
   * @param {App} app
   * @param {() => void} onEnd is called when the run is over
   */
  constructor(app, onEnd) {
    this.app = app;
    this.onEnd = onEnd;
    this.speed = 0;
    this.isOver = false;
    this.counted = 0; // the events among which messages were counted
    /** @type {Map<string, number>} */ this.counts = new Map(); // the messages of each call, leg and link
    /** @type {Map<number, number>} */ this.ordinals = new Map(); // for each message its number among those
    /** @type {string[]} */ this.waiting = []; // commands given before the connection stands
    this.socket = new WebSocket(`ws://${location.host}/live${location.search}`);
    this.socket.addEventListener("open", () => this.waiting.splice(0).forEach((text) => this.socket.send(text)));
    this.socket.addEventListener("message", (event) => this.take(JSON.parse(event.data)));
    this.socket.addEventListener("close", () => this.report("the command that served this page has ended", true));
    this.build();
  }

  /** Forget the messages that were counted, because another run begins. */
  forget() {
    this.counted = 0;
    this.counts.clear();
    this.ordinals.clear();
  }

  /** @param {Record<string, any>} command */
  send(command) {
    const text = JSON.stringify(command);
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(text);
    else if (this.socket.readyState === WebSocket.CONNECTING) this.waiting.push(text);
  }

  /** @param {Record<string, any>} action */
  act(action) {
    this.report("");
    this.send({ type: "act", action });
  }

  /** Let virtual time pass, or stop it. */
  toggle() {
    this.send({ type: "run", speed: this.speed ? 0 : Number(value("live-speed")) });
  }

  /**
   * Make the next command ready if a leader has taken the one that is there.
   * @param {TraceEvent[]} events that are new
   */
  countOn(events) {
    const command = /** @type {HTMLInputElement} */ (part("command"));
    if (!events.some((e) => e.kind === "start" && e.is_leader && e.command === command.value)) return;
    command.value = command.value.replace(/\d+$/, (digits) => String(Number(digits) + 1));
  }

  /** @param {News} news */
  take(news) {
    const { app } = this;
    if (news.reset) { app.forget(); this.forget(); this.report(news.now < 0.01 ? BEGIN : ""); }
    const events = news.lines ? parseLines(news.lines) : [];
    if (events.length) app.append(events);
    if (!news.reset) this.countOn(events);
    this.speed = news.speed || 0;
    if (this.speed && part("live-words").textContent === BEGIN) this.report("");
    part("run").textContent = this.speed ? "Stop" : "Run";
    part("by-hand").setAttribute("aria-pressed", String(Boolean(news.by_hand)));
    part("live-now").textContent = `${news.now.toFixed(4)} s`;
    if (news.words || news.error) this.report(news.error || news.words || "", Boolean(news.error));
    const wasOver = this.isOver;
    this.isOver = Boolean(news.is_over);
    if (wasOver !== this.isOver || news.reset) this.onEnd();
    document.documentElement.dataset.live = "yes";
  }

  /**
   * @param {string} text
   * @param {boolean} [isBad]
   */
  report(text, isBad = false) {
    part("live-words").textContent = visible(text);
    part("live-words").className = isBad ? "cuts" : "soft";
  }

  build() {
    const place = part("live");
    place.hidden = false;
    place.append(this.clockGroup(), this.serverGroup(), this.linkGroup(), this.presetGroup(), this.keepGroup(),
      make("p", { id: "live-words", class: "soft", role: "status" }, BEGIN));
    this.app.onFlying = (number) => this.messageButtons(number);
    this.app.onToggle = () => this.toggle();
    part("play").hidden = part("walk-speed").hidden = true; // here Run lets time pass
    this.drag();
  }

  clockGroup() {
    const speed = choice("live-speed", "speed", [["0.02", "1/50"], ["0.1", "1/10"], ["0.5", "1/2"], ["1", "1"], ["5", "5"], ["50", "50"]], "0.5");
    speed.addEventListener("change", () => this.send({ type: "speed", speed: Number(value("live-speed")) }));
    return group("time", make("b", { id: "live-now" }, "0.0000 s"), button("Run", () => this.toggle(), "run"), speed, button("step", () => this.send({ type: "step" }), "live-step"),
      button("rewind to this event", () => this.rewind(), "rewind"), toggle("by hand", "by-hand", (isOn) => this.send({ type: "by_hand", is_on: isOn })));
  }

  rewind() {
    const e = this.app.model.events[this.app.at];
    if (e) this.send({ type: "rewind", time: e.time });
  }

  serverGroup() {
    const server = () => Number(value("live-server"));
    const names = Array.from({ length: this.app.about.servers }, (_, one) => /** @type {[string, string]} */ ([String(one), `server ${one}`]));
    const acts = ["Crash", "Restart", "Pause", "Resume", "TimeOut", "Isolate", "Connect", "Snapshot"];
    const words = /** @type {Record<string, string>} */ ({ TimeOut: "time out" });
    const buttons = acts.map((type) => button(words[type] || type.toLowerCase(), () => this.act({ type, server: server() }), `act-${type}`));
    const command = /** @type {HTMLInputElement} */ (make("input", { type: "search", id: "command", size: "8", value: "x1", "aria-label": "command" }));
    const propose = () => this.act({ type: "Propose", server: server(), command: command.value });
    return group("server", choice("live-server", "server", [["-1", "the leader"], ...names], "-1"), ...buttons, command, button("propose", propose, "propose"));
  }

  linkGroup() {
    const names = Array.from({ length: this.app.about.servers }, (_, one) => /** @type {[string, string]} */ ([String(one), String(one)]));
    const ends = (/** @type {boolean} */ both) => ({ source: Number(value("link-from")), target: Number(value("link-to")), both });
    return group("links", choice("link-from", "from", names, "0"), choice("link-to", "to", names, names.length > 1 ? "1" : "0"),
      button("cut", () => this.act({ type: "Cut", ...ends(true) }), "cut"), button("cut one way", () => this.act({ type: "Cut", ...ends(false) }), "cut-one"),
      button("heal", () => this.act({ type: "Heal", ...ends(true) }), "heal"), button("heal all", () => this.act({ type: "HealAll" }), "heal-all"),
      make("span", { class: "soft" }, "or drag from one server's name to another's"));
  }

  presetGroup() {
    const names = (this.app.about.presets || []).map((one) => /** @type {[string, string]} */ ([one, one]));
    return group("situations", choice("preset", "situation", names, names[0] ? names[0][0] : ""), button("begin", () => {
      this.send({ type: "preset", name: value("preset") });
      if (!this.speed) this.send({ type: "run", speed: Number(value("live-speed")) });
    }, "begin-preset"));
  }

  keepGroup() {
    const name = /** @type {HTMLInputElement} */ (make("input", { type: "search", id: "keep-name", size: "12", value: "my run", "aria-label": "name of the schedule" }));
    return group("keep", name, button("save as a schedule", () => this.send({ type: "keep", name: name.value, where: "out" }), "keep-out"),
      button("keep as a test", () => this.send({ type: "keep", name: name.value, where: "tests" }), "keep-test"));
  }

  /**
   * Return the buttons of a message on its way.
   * @param {number} number the event that sent it
   * @returns {Node[]}
   */
  messageButtons(number) {
    const message = this.addressOf(number);
    const e = this.app.model.events[number], what = `${callName(e.call)} from ${e.server} to ${e.peer}`;
    const one = (/** @type {string} */ words, /** @type {Record<string, any>} */ action) => {
      const made = button(words, () => this.act({ ...action, message }));
      made.setAttribute("aria-label", `${words}: ${what}`);
      return made;
    };
    const twice = e.kind === "send" ? [one("twice", { type: "Duplicate", seconds: 0.01 })] : [];
    return [one("hold", { type: "Hold" }), one("deliver", { type: "Release" }), one("drop", { type: "Drop" }), ...twice];
  }

  /**
   * Return the name of a message: its call, leg and link, and its number among those.
   * @param {number} number
   */
  addressOf(number) {
    const { events } = this.app.model, e = events[number];
    for (; this.counted <= number; this.counted++) {
      const { kind, server, peer, call } = events[this.counted];
      if (kind !== "send" && kind !== "reply") continue;
      const name = `${kind} ${server}>${peer} ${call}`, count = (this.counts.get(name) || 0) + 1;
      this.counts.set(name, count);
      this.ordinals.set(this.counted, count);
    }
    return { call: e.call, source: e.server, target: e.peer, ordinal: this.ordinals.get(number), leg: e.kind === "send" ? "request" : "reply" };
  }

  /** Let a drag from one server's name to another's cut their link, or heal it; with Shift one way only. */
  drag() {
    const { diagram } = this.app, { canvas } = diagram;
    let from = -1;
    const server = (/** @type {PointerEvent} */ event) => {
      const box = canvas.getBoundingClientRect();
      return event.clientY - box.top < 26 ? diagram.serverAt(event.clientX - box.left) : -1;
    };
    canvas.addEventListener("pointerdown", (event) => { from = server(event); });
    canvas.addEventListener("pointerup", (event) => {
      const to = server(event);
      if (from >= 0 && to >= 0 && from !== to) {
        const isCut = this.app.model.stateAt(this.app.model.length - 1).cut.has(`${from}>${to}`);
        this.act({ type: isCut ? "Heal" : "Cut", source: from, target: to, both: !event.shiftKey });
      }
      from = -1;
    });
  }
}

/** @param {string} id */
function value(id) {
  return /** @type {HTMLSelectElement} */ (part(id)).value;
}

/**
 * @param {string} words
 * @param {() => void} act
 * @param {string} [id]
 */
function button(words, act, id) {
  return make("button", { type: "button", onclick: act, ...(id ? { id } : {}) }, words);
}

/**
 * @param {string} words
 * @param {string} id
 * @param {(isOn: boolean) => void} act
 */
function toggle(words, id, act) {
  return make("button", { type: "button", id, "aria-pressed": "false", onclick: () => act(part(id).getAttribute("aria-pressed") !== "true") }, words);
}

/**
 * @param {string} id
 * @param {string} words
 * @param {[string, string][]} options
 * @param {string} chosen
 */
function choice(id, words, options, chosen) {
  return make("select", { id, "aria-label": words }, ...options.map(([value, text]) => make("option", { value, selected: value === chosen }, text)));
}

/**
 * @param {string} words
 * @param {...Node} children
 */
function group(words, ...children) {
  return make("div", { class: "group", role: "group", "aria-label": words }, make("span", { class: "soft" }, words), ...children);
}
