// The run as the page keeps it: its events in order, what belongs together, and the state at any of them.
// A live session appends events to the same model. Knows nothing of how it is drawn.
import { advance, copyOf, firstState } from "./state.js";
/** @typedef {import("./words.js").TraceEvent} TraceEvent */
/** @typedef {import("./state.js").State} State */

const EVERY = 1000; // events between two states that are kept
/** @typedef {{from: number, role: string, term: number, up: boolean, paused: boolean, cut: number}} Stretch a lane from an event on */

export class Model {
  /** @param {{servers: number}} header */
  constructor(header) {
    this.servers = header.servers;
    /** @type {TraceEvent[]} */ this.events = [];
    /** @type {number[]} */ this.from = []; // for the end of a message the event that sent it, or -1
    /** @type {number[]} */ this.to = []; // for a message sent the event that ends it, or -1
    /** @type {number[]} */ this.before = []; // the event before it at the same server, or -1
    /** @type {boolean[]} */ this.idle = []; // whether it belongs to a heartbeat without news
    /** @type {Set<number>} */ this.late = new Set(); // deliveries that a later message of their link overtook
    /** @type {Record<string, number[]>} */ this.marks = { election: [], commit: [], fault: [], violation: [], note: [] };
    /** @type {Stretch[][]} */ this.stretches = Array.from({ length: this.servers }, () => []);
    this._calls = new Map(); // the events of each call that sent something: {send, reply}
    this._last = Array(this.servers).fill(-1);
    this._newest = new Map(); // by link and leg the newest message that has arrived
    this._told = new Map(); // by link the term and leader_commit of its last AppendEntries
    this._idleCalls = new Set();
    this._commit = 0;
    this._cuts = Array(this.servers).fill(0);
    this._state = firstState(this.servers);
    /** @type {State[]} */ this._kept = [firstState(this.servers)];
    this._cursor = { at: -1, state: firstState(this.servers) };
    this.requestOf = (/** @type {number} */ rpc) => this._requestOf(rpc);
  }

  get length() { return this.events.length; }

  get end() { return this.events.length ? this.events[this.events.length - 1].time : 0; }

  /** @param {TraceEvent[]} events */
  append(events) {
    for (const e of events) this._add(e);
  }

  /** @param {TraceEvent} e */
  _add(e) {
    const number = this.events.length;
    this.events.push(e);
    this.to.push(-1);
    this.before.push(e.server >= 0 ? this._last[e.server] : -1);
    if (e.server >= 0) this._last[e.server] = number;
    this.from.push(this._join(e, number));
    this.idle.push(this._isIdle(e));
    this._mark(e, number);
    advance(this._state, number, e, this.requestOf, this.from[number]);
    this._stretch(e, number);
    if (this.events.length % EVERY === 0) this._kept.push(copyOf(this._state));
  }

  /**
   * Join the end of a message to its beginning; return the number of that, or -1.
   * @param {TraceEvent} e
   * @param {number} number
   */
  _join(e, number) {
    if (e.kind === "send") this._calls.set(e.rpc, { send: number, reply: -1 });
    if (e.kind === "reply") {
      const call = this._calls.get(e.rpc) || { send: -1, reply: -1 };
      call.reply = number;
      this._calls.set(e.rpc, call);
      return -1;
    }
    if (e.kind !== "deliver" && e.kind !== "drop") return -1;
    const call = this._calls.get(e.rpc);
    if (!call) return this._unseen(e, number);
    const sent = e.leg === "request" ? call.send : call.reply;
    if (sent < 0) return -1;
    if (this.to[sent] < 0 || e.kind === "deliver" && this.events[this.to[sent]].kind === "drop") this.to[sent] = number;
    if (e.kind === "deliver") {
      const link = `${e.peer}>${e.server}${e.leg}`;
      if (sent < (this._newest.get(link) ?? -1)) this.late.add(number);
      else this._newest.set(link, sent);
    }
    return sent;
  }

  /**
   * Remember the request of a fake peer, which the trace shows only where it arrives.
   * @param {TraceEvent} e
   * @param {number} number
   */
  _unseen(e, number) {
    if (e.kind === "deliver" && e.leg === "request") this._calls.set(e.rpc, { send: -1, reply: -1, arrived: number });
    return -1;
  }

  /** @param {number} rpc */
  _requestOf(rpc) {
    const call = this._calls.get(rpc);
    const number = call ? (call.send >= 0 ? call.send : call.arrived ?? -1) : -1;
    return number >= 0 ? this.events[number] : null;
  }

  /**
   * Return the numbers of the events that sent a call's request and its reply; -1 for what was not sent.
   * @param {number} rpc
   * @returns {{send: number, reply: number}}
   */
  callOf(rpc) {
    return this._calls.get(rpc) || { send: -1, reply: -1 };
  }

  /**
   * Return whether an event belongs to an AppendEntries without entries and news that is not refused.
   * @param {TraceEvent} e
   */
  _isIdle(e) {
    if (e.kind === "send" && e.call === "AppendEntries") {
      const link = e.server * 1000 + e.peer, news = e.message.term + "/" + e.message.leader_commit;
      const isNew = this._told.get(link) !== news;
      this._told.set(link, news);
      if (!isNew && !e.message.entries.length) { this._idleCalls.add(e.rpc); return true; }
      return false;
    }
    if (!("rpc" in e) || !this._idleCalls.has(e.rpc)) return false;
    const reply = e.message && "success" in e.message;
    return !reply || e.message.success;
  }

  /**
   * @param {TraceEvent} e
   * @param {number} number
   */
  _mark(e, number) {
    const one = e.server >= 0 ? this._state.servers[e.server] : null;
    if (e.kind === "send" && e.call === "RequestVote" && one && one.stood !== e.message.term) this.marks.election.push(number);
    else if (e.kind === "role" && e.is_leader) this.marks.election.push(number);
    else if ((e.kind === "apply" || e.kind === "apply_snapshot") && e.index > this._commit) {
      this._commit = e.index;
      this.marks.commit.push(number);
    } else if (["crash", "cut", "connect", "network", "pause", "resume"].includes(e.kind) || (e.kind === "restart" && e.incarnation)) this.marks.fault.push(number);
    else if (e.kind === "verdict" && e.status !== "pass") this.marks.violation.push(number);
    else if (e.kind === "note") this.marks.note.push(number);
  }

  /**
   * @param {TraceEvent} e
   * @param {number} number
   */
  _stretch(e, number) {
    const all = e.kind === "cut" || e.kind === "connect" || number === 0;
    if (all) this._countCuts();
    for (let server = all ? 0 : Math.max(e.server, 0); server < (all ? this.servers : e.server + 1); server++) {
      const one = this._state.servers[server], cut = this._cuts[server];
      const lane = this.stretches[server], last = lane[lane.length - 1];
      if (last && last.role === one.role && last.term === one.term && last.up === one.up && last.paused === one.paused && last.cut === cut) continue;
      lane.push({ from: number, role: one.role, term: one.term, up: one.up, paused: one.paused, cut });
    }
  }

  /** Count for each server its links that do not work, both directions. */
  _countCuts() {
    this._cuts.fill(0);
    for (const link of this._state.cut) for (const server of link.split(">")) this._cuts[Number(server)] += 1;
  }

  /**
   * Return the state after an event; -1 is before the first. Do not change it, and do not keep it.
   * @param {number} at
   * @returns {State}
   */
  stateAt(at) {
    const cursor = this._cursor;
    const block = Math.floor((at + 1) / EVERY);
    if (at < cursor.at || at - cursor.at > EVERY) {
      cursor.state = copyOf(this._kept[block]);
      cursor.at = block * EVERY - 1;
    }
    while (cursor.at < at) {
      cursor.at += 1;
      advance(cursor.state, cursor.at, this.events[cursor.at], this.requestOf, this.from[cursor.at]);
    }
    return cursor.state;
  }

  /**
   * Return the number of the last event that is not later than a time; 0 if all are later.
   * @param {number} time
   */
  numberAt(time) {
    let low = 0, high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.events[middle].time <= time) low = middle + 1;
      else high = middle;
    }
    return Math.max(low - 1, 0);
  }

  /**
   * Return how the message ended that an event sent or ended.
   * @param {number} number
   */
  outcomeOf(number) {
    const e = this.events[number];
    const sent = e.kind === "send" || e.kind === "reply" ? number : this.from[number];
    const last = sent >= 0 ? this.to[sent] : number;
    if (last < 0) return "on its way at the end";
    const end = this.events[last];
    if (end.kind === "drop") return `lost (${end.reason})`;
    const answer = end.message;
    const refused = answer && (answer.success === false || answer.vote_granted === false) ? ", a refusal" : "";
    const again = e.kind === "deliver" && e.copy ? ", a duplicate" : "";
    return (this.late.has(e.kind === "deliver" ? number : last) ? "delivered late, after a newer one" : "delivered") + again + refused;
  }
}
