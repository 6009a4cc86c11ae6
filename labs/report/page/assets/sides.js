// The page of two runs: one moment, one axis and one filter for both. A step goes to the next event of either.
import { Axis } from "./axis.js";
import { nextMark, noMark, Player } from "./player.js";
import { newFilter } from "./rows.js";
import { Side } from "./side.js";
import { part, seconds } from "./text.js";
import { describe } from "./words.js";
/** @typedef {import("./data.js").AboutPair} AboutPair */
/** @typedef {import("./diagram.js").Diagram} Diagram */
/** @typedef {import("./words.js").TraceEvent} TraceEvent */

export class Sides extends Player {
  /**
   * @param {AboutPair} about
   * @param {TraceEvent[][]} runs the events of both
   */
  constructor(about, runs) {
    super();
    this.about = about;
    this.filter = newFilter(about.servers);
    const orders = ordersOf(about), last = about.alike.noun === "landmarks" ? about.alike.common.at(-1) : undefined;
    this.sides = ["left", "right"].map((name, run) => new Side(about.runs[run], runs[run], name, last ? last[run] : -1, orders[run], (number) => this.goTo(run, number)));
    this.diagrams = this.sides.map((one) => one.diagram);
    [this.diagrams[0].partner, this.diagrams[1].partner] = [this.diagrams[1], this.diagrams[0]];
    this.scrub = /** @type {HTMLInputElement} */ (part("scrub"));
    this.shift = about.alike.shift;
    this.at = 0; // the current place on the axis
    this.axis = new Axis(this.sides[0].rows, this.sides[1].rows, this.shift);
    this.filterAgain();
  }

  /** Choose the rows again, as the filters are now; the moment stays the same. */
  filterAgain() {
    const { time } = this;
    for (const one of this.sides) one.choose(this.filter);
    this.lineUp(time);
  }

  /**
   * Make the axis again, and go to a virtual time of the left run.
   * @param {number} time
   */
  lineUp(time) {
    this.axis = new Axis(this.sides[0].rows, this.sides[1].rows, this.shift);
    this.sides.forEach((one, run) => {
      one.diagram.slots = this.axis.slots[run];
      one.diagram.shift = run ? this.shift : 0;
      one.diagram.show(one.model, one.rows);
    });
    this.scrub.max = String(Math.max(this.axis.length - 1, 0));
    this.go(this.axis.placeAt(time));
    this.paint(true);
  }

  get time() { return this.axis.times[this.at] ?? 0; }

  get isAtEnd() { return this.at >= this.axis.length - 1; }

  /**
   * Make a place on the axis the current one.
   * @param {number} place
   */
  go(place) {
    this.at = Math.min(Math.max(place, 0), Math.max(this.axis.length - 1, 0));
    this.sides.forEach((one, run) => {
      const row = this.axis.rowAt(run, this.at);
      one.show(row, this.axis.slots[run][row] === this.at, this.time + (run ? this.shift : 0));
    });
    this.setMoment();
    this.diagrams[0].reveal();
    this.follow(this.diagrams[0]);
    this.paint();
  }

  setMoment() {
    for (const one of this.diagrams) one.moment = one.byTime ? this.time * 1000 : this.at;
  }

  /**
   * Let the other diagram show what this one shows.
   * @param {Diagram} leader
   */
  follow(leader) {
    for (const one of this.diagrams) Object.assign(one, { top: leader.top, zoom: { ...leader.zoom }, byTime: leader.byTime });
  }

  /**
   * Go to an event of a run.
   * @param {number} run
   * @param {number} number
   */
  goTo(run, number) { this.go(this.placeOf(run, number)); }

  /**
   * @param {number} run
   * @param {number} number
   */
  placeOf(run, number) { return this.axis.slots[run][this.sides[run].rows.rowOf[number]] ?? 0; }

  /** @param {number} count */
  step(count) { this.go(this.at + count); }

  toStart() { this.go(0); }

  toEnd() { this.go(this.axis.length - 1); }

  /** Go to the first event that differs, of the run in which it comes first. */
  toDifference() { this.go(Math.min(...this.sides.map((one, run) => this.placeOf(run, one.first)))); }

  toViolation() {
    const run = this.sides.findIndex((one) => one.model.marks.violation.length);
    if (run < 0) part("now").textContent = "neither run broke a rule";
    else this.goTo(run, this.sides[run].facts.at(-1) ?? this.sides[run].model.marks.violation[0]);
  }

  /**
   * Go to the next mark of a kind in either run, or with a negative direction to the one before.
   * @param {string} kind
   * @param {number} direction
   */
  jump(kind, direction) {
    const places = this.sides.flatMap((one, run) => one.model.marks[kind].map((number) => this.placeOf(run, number))).sort((a, b) => a - b);
    const found = nextMark(places, this.at, direction);
    if (found === undefined) noMark(kind, direction);
    else this.go(found);
  }

  /** @param {number} place */
  scrubTo(place) { this.go(place); }

  /** @param {number} time a virtual time of the left run */
  goToTime(time) { this.go(this.axis.placeAt(time)); }

  /**
   * Take up a click on an event.
   * @param {Diagram} diagram
   * @param {number} number
   */
  choose(diagram, number) { this.goTo(this.diagrams.indexOf(diagram), number); }

  /**
   * @param {number} factor
   * @param {number} [y] the height that is kept; that of this moment without it
   */
  zoom(factor, y) {
    const first = this.diagrams[0];
    first.zoomBy(factor, y ?? first.heightOf(first.here));
    this.follow(first);
    this.paint();
  }

  /** @param {number} pixels */
  pan(pixels) {
    this.diagrams[0].pan(pixels);
    this.follow(this.diagrams[0]);
    this.paint();
  }

  fit() {
    this.diagrams[0].fit();
    this.follow(this.diagrams[0]);
    this.paint();
  }

  /** @param {boolean} isOn */
  setByTime(isOn) {
    for (const one of this.diagrams) one.byTime = isOn;
    this.setMoment();
    this.diagrams[0].centre();
    this.follow(this.diagrams[0]);
    this.paint();
  }

  /** @param {boolean} isOn whether the runs are drawn level at what both have last, or at their begin */
  setLevel(isOn) {
    const time = this.time;
    this.shift = isOn ? this.about.alike.shift : 0;
    this.lineUp(time);
  }

  /** @param {boolean} isOn whether all but the causal past is dimmed */
  setFocus(isOn) {
    for (const one of this.diagrams) one.focus = isOn;
    this.paint();
  }

  resize() {
    for (const one of this.diagrams) one.resize();
    this.paint(true);
  }

  recolour() {
    for (const one of this.sides) one.recolour();
    this.paint(true);
  }

  /** @param {boolean} all */
  drawAll(all) {
    for (const one of this.sides) one.draw(all);
    const words = this.words();
    this.scrub.value = String(this.at);
    this.scrub.setAttribute("aria-valuetext", words);
    part("clock").textContent = `${seconds(this.time)} s`;
    part("place").textContent = this.shift ? `of the left run; ${seconds(this.time + this.shift)} s of the right one` : "of both runs";
    if (!this.playing) part("now").textContent = words;
  }

  /** Return what happens at this moment, in either run. */
  words() {
    const found = this.sides.filter((one) => one.isNow).map((one) => {
      const e = one.model.events[one.at];
      return `${one.name}: ${e.server >= 0 ? `server ${e.server}` : "the test"} ${describe(e)}`;
    });
    return found.length === 2 && found[0].slice(6) === found[1].slice(7) ? `both: ${found[0].slice(6)}` : found.join("; ");
  }
}

/**
 * Return the servers of both runs as their lanes show them: those that play the same part stand at the same place.
 * @param {AboutPair} about
 */
function ordersOf({ runs, alike }) {
  const [left, right] = runs.map((one) => Array.from({ length: one.servers }, (_, server) => server));
  const parts = new Map(alike.parts), taken = new Set(parts.values());
  const free = right.filter((server) => !taken.has(server));
  const order = left.map((server) => parts.get(server) ?? free.shift() ?? -1).filter((server) => server >= 0);
  return [left, [...order, ...free]];
}
