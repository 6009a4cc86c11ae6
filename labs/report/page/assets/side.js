// One of two runs that are shown beside each other: its diagram, its servers, and its event at the common moment.
import { causesOf } from "./causes.js";
import { palette } from "./colours.js";
import { showDetails } from "./details.js";
import { Diagram } from "./diagram.js";
import { Model } from "./model.js";
import { drawOverview } from "./overview.js";
import { Logs, showFlying } from "./panels.js";
import { newFilter, Rows } from "./rows.js";
import { make, part, seconds, visible } from "./text.js";
import { indexOf } from "./words.js";
/** @typedef {import("./data.js").AboutPair} AboutPair */
/** @typedef {import("./rows.js").Filter} Filter */
/** @typedef {import("./words.js").TraceEvent} TraceEvent */

export class Side {
  /**
   * @param {AboutPair["runs"][0]} about
   * @param {TraceEvent[]} events
   * @param {string} name "left" or "right"
   * @param {number} common the last landmark that both runs have; -1 if events were compared
   * @param {number[]} order the servers as its lanes show them
   * @param {(number: number) => void} open is called with an event of this run that was chosen
   */
  constructor(about, events, name, common, order, open) {
    this.about = about;
    this.name = name;
    this.open = open;
    this.model = new Model(about);
    this.model.append(events);
    this.first = Math.min(about.first, Math.max(events.length - 1, 0));
    this.common = common;
    const { facts, past } = causesOf(this.model);
    this.facts = facts;
    /** @type {Filter} */ this.filter = { ...newFilter(about.servers), keep: new Set([...facts, ...this.model.marks.violation, this.first, ...(common < 0 ? [] : [common])]) };
    this.at = 0; // its current event
    this.overview = /** @type {HTMLCanvasElement} */ (part(`overview-${name}`));
    const label = `${name} run: servers from left to right, time downwards; arrow keys go from event to event in both runs, and each is read out`;
    const canvas = /** @type {HTMLCanvasElement} */ (make("canvas", { id: `diagram-${name}`, tabindex: "0", role: "application", "aria-roledescription": "space-time diagram", "aria-label": label }));
    this.diagram = new Diagram(canvas);
    this.none = make("p", { class: "none", hidden: true }, "no events match these filters");
    this.since = make("p", { class: "soft" });
    this.flying = make("div", { class: "flying" });
    this.details = make("div");
    const logs = make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `Logs of the ${name} run` });
    this.logs = new Logs(logs, about.servers, order);
    this.build(canvas, logs);
    this.isNow = false; // whether its current event stands at the common moment, and not before it
    this.late = 0; // the seconds by which it stands before that
    this.diagram.facts = new Set(facts);
    this.diagram.past = past;
    this.diagram.order = order;
    this.diagram.common = common;
    this.diagram.difference = about.first < events.length ? about.first : -1;
    this.rows = new Rows(this.model, this.filter);
  }

  /**
   * @param {HTMLElement} canvas
   * @param {HTMLElement} logs
   */
  build(canvas, logs) {
    part("sides").append(make("section", { "aria-labelledby": `title-${this.name}` }, this.head(), make("div", { class: "canvas" }, canvas, this.none)));
    part("panels").append(make("section", { "aria-label": `The ${this.name} run at this moment` },
      make("h3", {}, `Servers, ${this.name} run`), logs, make("h3", {}, "Its event"), this.since, this.details, make("h3", {}, "On their way"), this.flying));
  }

  /** Return who runs here, and how that ended. */
  head() {
    const { seed, submission, test } = this.about, last = this.model.events[this.model.length - 1];
    const verdict = last && last.kind === "verdict" ? last : null;
    const status = verdict ? verdict.status : "not finished";
    const title = make("h2", { id: `title-${this.name}` }, `${this.name}: ${visible(test)} seed ${seed}, ${visible(submission)}`, make("span", { class: `status ${status}` }, status));
    const hint = verdict && verdict.hint ? `\nHint: ${visible(verdict.hint)}` : "";
    const words = verdict && verdict.message ? visible(verdict.message, 2000).replaceAll("\\n", "\n") + hint : `ends at ${seconds(this.model.end)} s`;
    return make("div", {}, title, make("p", { class: "message", tabindex: "0", role: "group", "aria-label": `How the ${this.name} run ended` }, words));
  }

  /**
   * Choose its rows as a filter asks.
   * @param {Filter} filter
   */
  choose({ servers, kinds, text, heartbeats }) {
    Object.assign(this.filter, { servers, kinds, text, heartbeats });
    this.rows = new Rows(this.model, this.filter);
    this.none.hidden = this.rows.length > 0;
  }

  /**
   * Make the event of a row the current one; -1 is before the first.
   * @param {number} row
   * @param {boolean} isNow whether it stands at the common moment, and not before it
   * @param {number} time the common moment, as this run counts
   */
  show(row, isNow, time) {
    this.at = row < 0 ? 0 : this.rows.items[row];
    this.diagram.at = this.at;
    this.isNow = isNow && row >= 0;
    this.late = time - (this.model.events[this.at]?.time ?? 0);
  }

  /** @param {boolean} all whether to draw the overview, too */
  draw(all) {
    if (all) drawOverview(this.overview, this.diagram);
    this.diagram.draw();
    if (!this.model.length) return;
    this.logs.show(this.model.stateAt(this.at).servers, indexOf(this.model.events[this.at]));
    this.since.textContent = this.isNow ? "at this moment" : this.late < 0 ? "nothing yet; its first one" : `nothing at this moment; its last one, ${(this.late * 1000).toFixed(1)} ms before`;
    showFlying(this.flying, this.model, this.at, this.open, null);
    showDetails(this.details, this.model, this.at, this.open);
  }

  recolour() { this.diagram.colours = palette(); }
}
