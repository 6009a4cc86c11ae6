// The page: one model, one current event, and the parts that show it. Each part is drawn again when the moment changes.
import { causesOf } from "./causes.js";
import { palette } from "./colours.js";
import { showDetails } from "./details.js";
import { Diagram } from "./diagram.js";
import { Model } from "./model.js";
import { drawOverview } from "./overview.js";
import { Logs, showFlying } from "./panels.js";
import { nextMark, noMark, Player } from "./player.js";
import { newFilter, Rows } from "./rows.js";
import { part, seconds } from "./text.js";
import { describe, indexOf, spoken } from "./words.js";
/** @typedef {import("./data.js").About} About */
/** @typedef {import("./words.js").TraceEvent} TraceEvent */

export class App extends Player {
  /** @param {About} about */
  constructor(about) {
    super();
    this.about = about;
    this.model = new Model(about);
    this.diagram = new Diagram(/** @type {HTMLCanvasElement} */ (part("diagram")));
    this.logs = new Logs(part("logs"), about.servers);
    this.scrub = /** @type {HTMLInputElement} */ (part("scrub"));
    this.at = 0;
    this.facts = /** @type {number[]} */ ([]);
    this.filter = newFilter(about.servers);
    this.rows = new Rows(this.model, this.filter);
    /** @type {((number: number) => Node[]) | null} */ this.onFlying = null; // makes the buttons of a message on its way
  }

  /** Forget the run, because another one begins. */
  forget() {
    this.model = new Model(this.about);
    this.facts = [];
    this.at = 0;
    this.diagram.at = 0;
    this.diagram.facts = new Set();
    this.diagram.past = new Set();
    this.filter.keep = new Set();
    this.filterAgain();
  }

  /** Find the causes of a violation, if there is one. */
  explain() {
    const { facts, past } = causesOf(this.model);
    this.facts = facts;
    this.diagram.facts = new Set(facts);
    this.diagram.past = past;
    this.filter.keep = new Set([...facts, ...this.model.marks.violation]);
  }

  /**
   * Take up the events of a finished run.
   * @param {TraceEvent[]} events
   */
  begin(events) {
    this.model.append(events);
    this.explain();
    this.diagram.resize();
    this.filterAgain();
  }

  /** Choose the rows again, as the filters are now. */
  filterAgain() {
    this.rows = new Rows(this.model, this.filter);
    this.diagram.show(this.model, this.rows);
    this.scrub.max = String(Math.max(this.rows.length - 1, 0));
    part("none").hidden = this.rows.length > 0;
    this.diagram.clamp();
    this.diagram.reveal();
    this.paint(true);
  }

  /**
   * Add events of a run that goes on; if the last event was current, the new last one is.
   * @param {TraceEvent[]} events
   */
  append(events) {
    const follows = this.at >= this.model.length - 1;
    this.model.append(events);
    this.rows.extend();
    this.diagram.show(this.model, this.rows);
    this.scrub.max = String(Math.max(this.rows.length - 1, 0));
    if (follows) this.go(this.model.length - 1);
    this.paint(true);
  }

  /**
   * Make an event the current one.
   * @param {number} number
   */
  go(number) {
    this.at = Math.min(Math.max(number, 0), Math.max(this.model.length - 1, 0));
    this.diagram.at = this.at;
    this.diagram.reveal();
    this.paint();
  }

  /**
   * Go some rows on, or back.
   * @param {number} count
   */
  step(count) {
    if (!this.rows.length) return;
    const row = this.rows.rowOf[this.at] + count;
    const here = this.rows.items[this.rows.rowOf[this.at]] === this.at;
    const target = count < 0 && !here ? row + 1 : row;
    this.go(this.rows.items[Math.min(Math.max(target, 0), this.rows.length - 1)]);
  }

  /**
   * Go to the next mark of a kind, or with a negative direction to the one before; return whether there is one.
   * @param {string} kind
   * @param {number} direction
   */
  jump(kind, direction) {
    const found = nextMark(this.model.marks[kind], this.at, direction);
    if (found === undefined) { noMark(kind, direction); return false; }
    this.go(found);
    return true;
  }

  get diagrams() { return [this.diagram]; }

  get isAtEnd() { return this.rows.rowOf[this.at] >= this.rows.length - 1; }

  /** The virtual time of this moment. */
  get time() { return this.model.events[this.at].time; }

  /** @param {number} time */
  goToTime(time) { this.go(this.model.numberAt(time)); }

  toStart() { this.go(0); }

  toEnd() { this.go(this.model.length - 1); }

  toViolation() {
    if (this.model.marks.violation.length) this.go(this.facts.length ? this.facts[this.facts.length - 1] : this.model.marks.violation[0]);
    else part("now").textContent = "this run broke no rule";
  }

  /** There is no other run that could differ. */
  toDifference() { part("now").textContent = "this page shows a single run"; }

  /** @param {number} row */
  scrubTo(row) { this.go(this.rows.items[row] ?? 0); }

  /**
   * Take up a click on an event in the diagram.
   * @param {Diagram} _diagram
   * @param {number} number
   */
  choose(_diagram, number) { this.go(number); }

  /**
   * @param {number} factor
   * @param {number} [y] the height that is kept; that of this moment without it
   */
  zoom(factor, y = this.rows.length ? this.diagram.y(this.rows.rowOf[this.at] ?? 0) : undefined) {
    this.diagram.zoomBy(factor, y);
    this.paint();
  }

  /** @param {number} pixels */
  pan(pixels) {
    this.diagram.pan(pixels);
    this.paint();
  }

  fit() {
    if (this.rows.length) this.diagram.fit();
    this.paint();
  }

  /** @param {boolean} isOn */
  setByTime(isOn) {
    this.diagram.byTime = isOn;
    this.diagram.clamp();
    if (this.rows.length) this.diagram.centre();
    this.paint();
  }

  /** @param {boolean} isOn whether all but the causal past is dimmed */
  setFocus(isOn) {
    this.diagram.focus = isOn;
    this.paint();
  }

  resize() {
    this.diagram.resize();
    this.paint(true);
  }

  /** @param {boolean} all */
  drawAll(all) {
    if (all) drawOverview(/** @type {HTMLCanvasElement} */ (part("overview")), this.diagram);
    this.diagram.draw();
    if (!this.model.length) return;
    const e = this.model.events[this.at], words = spoken(e), row = this.rows.rowOf[this.at] ?? 0;
    this.logs.show(this.model.stateAt(this.at).servers, indexOf(e));
    showFlying(part("flying"), this.model, this.at, (number) => this.go(number), this.at === this.model.length - 1 ? this.onFlying : null);
    showDetails(part("details"), this.model, this.at, (number) => this.go(number));
    this.scrub.value = String(row);
    this.scrub.setAttribute("aria-valuetext", words);
    part("clock").textContent = `${seconds(e.time)} s`;
    part("place").textContent = `event ${this.at + 1} of ${this.model.length}`;
    if (!this.playing) part("now").textContent = words;
  }

  /**
   * Return an event in one line.
   * @param {number} number
   */
  words(number) { return describe(this.model.events[number]); }

  /** Take up the colours of the theme that is chosen now. */
  recolour() {
    this.diagram.colours = palette();
    this.paint(true);
  }
}
