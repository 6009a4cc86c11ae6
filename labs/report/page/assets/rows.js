// Which events are shown, one row each: what the filters let through, and heartbeats folded into one row.
import { describe } from "./words.js";
/** @typedef {import("./model.js").Model} Model */

/** @typedef {{servers: Set<number>, kinds: Set<string>, text: string, heartbeats: boolean, keep: Set<number>}} Filter */
/** Kinds of events that are shown or hidden together. */
export const GROUPS = /** @type {Record<string, string[]>} */ ({
  messages: ["send", "reply", "deliver"],
  losses: ["drop", "timeout"],
  saves: ["save"],
  applies: ["apply", "apply_snapshot"],
  proposals: ["start", "take_snapshot"],
  faults: ["crash", "restart", "cut", "connect", "network", "pause", "resume"],
  notes: ["note"],
  roles: ["role"],
  checks: ["check"],
});

/**
 * Return a filter that lets everything through, with heartbeats folded.
 * @param {number} servers
 * @returns {Filter}
 */
export function newFilter(servers) {
  return { servers: new Set(Array.from({ length: servers }, (_, one) => one)), kinds: new Set(Object.keys(GROUPS)), text: "", heartbeats: false, keep: new Set() };
}

const GROUP_OF = new Map(Object.entries(GROUPS).flatMap(([group, kinds]) => kinds.map((kind) => [kind, group])));

export class Rows {
  /**
   * @param {Model} model
   * @param {Filter} filter
   */
  constructor(model, filter) {
    this.model = model;
    this.filter = filter;
    /** @type {number[]} */ this.items = []; // for each row its first event
    /** @type {number[]} */ this.sizes = []; // how many events it stands for
    /** @type {number[]} */ this.rowOf = []; // for each event its row, or the last row before it
    this._done = 0;
    this.extend();
  }

  get length() { return this.items.length; }

  /** Take up the events that the model has got since. */
  extend() {
    const { model, filter, items, sizes, rowOf } = this;
    const text = filter.text.toLowerCase();
    for (let number = this._done; number < model.length; number++) {
      if (filter.keep.has(number)) this._push(number);
      else if (this._hides(number, text)) { /* no row */ }
      else if (this._isSentAndLost(number)) { rowOf.push(rowOf[model.from[number]]); continue; }
      else if (!filter.heartbeats && model.idle[number]) {
        const last = items.length - 1;
        if (last >= 0 && this.isFold(last)) sizes[last] += 1;
        else this._push(number);
      } else this._push(number);
      rowOf.push(Math.max(items.length - 1, 0));
    }
    this._done = model.length;
  }

  /** @param {number} number */
  _push(number) {
    this.items.push(number);
    this.sizes.push(1);
  }

  /**
   * Return whether a message is lost at the moment in which it is sent: then the row that sends it shows that.
   * @param {number} number
   */
  _isSentAndLost(number) {
    const { model } = this, sent = model.from[number];
    if (model.events[number].kind !== "drop" || sent < 0 || model.idle[number]) return false;
    return model.events[sent].time === model.events[number].time && this.items[this.rowOf[sent]] === sent;
  }

  /**
   * @param {number} number
   * @param {string} text
   */
  _hides(number, text) {
    const e = this.model.events[number], filter = this.filter;
    const group = GROUP_OF.get(e.kind);
    if (group && !filter.kinds.has(group)) return true;
    if (e.server >= 0 && !filter.servers.has(e.server) && !("peer" in e && filter.servers.has(e.peer))) return true;
    return text !== "" && !describe(e).toLowerCase().includes(text);
  }

  /**
   * Return whether a row stands for heartbeats.
   * @param {number} row
   */
  isFold(row) {
    const number = this.items[row];
    return !this.filter.heartbeats && this.model.idle[number] && !this.filter.keep.has(number);
  }

  /** @param {number} row */
  words(row) {
    if (!this.isFold(row)) return describe(this.model.events[this.items[row]]);
    const size = this.sizes[row];
    return size === 1 ? "♥ 1 heartbeat event" : `♥ ${size} heartbeat events`;
  }
}
