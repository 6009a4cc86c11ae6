// The space-time diagram: a lane for each server, time downwards, messages as arrows. Draws only what can be seen.
import { palette, termColour } from "./colours.js";
import { Labels, RANK, LETTERS } from "./labels.js";
import { visible } from "./text.js";
import { callName, messageWords } from "./words.js";
/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./rows.js").Rows} Rows */

const HEAD = 26, LEFT = 66, BAND = 12;
const FOOT = 50; // pixels below the last row
const TEXT_FROM = 13; // pixels between rows from which on each row has its words
const MANY = 1500; // rows in view from which on single arrows are thinned out

export class Diagram {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    this.width = 0; this.height = 0;
    this.byTime = false; // the scale: virtual time, or one row after the other
    this.zoom = { order: 20, time: 4 }; // pixels per row, and per millisecond
    this.top = 0; // the first row, or millisecond, in view
    this.focus = false; // whether all but the causal past is dimmed
    /** @type {Set<number>} */ this.past = new Set();
    /** @type {Set<number>} */ this.facts = new Set();
    this.at = 0; // the current event
    /** @type {number[] | null} */ this.slots = null; // for each row its place among those of two runs, if another one is beside it
    /** @type {Diagram | null} */ this.partner = null; // the diagram beside it
    this.shift = 0; // the seconds by which its run is drawn earlier than it was
    /** @type {number | null} */ this.moment = null; // where on the scale the current moment is, if not at the current event
    this.difference = -1; // the first event that differs from the run beside it
    this.common = -1; // the last one that both have, if it does not stand just before that
    /** @type {number[] | null} */ this.order = null; // the servers as the lanes show them, if not by number
    /** @type {{x1: number, y1: number, x2: number, y2: number, number: number}[]} */ this.targets = [];
    this.colours = palette();
    this.labels = new Labels(this.pen, [], { top: HEAD, left: 0, right: 0 });
    /** @type {Model} */ this.model;
    /** @type {Rows} */ this.rows;
    /** @type {number[]} */ this.lanes = []; // the servers that are shown, from left to right
  }

  /**
   * @param {Model} model
   * @param {Rows} rows
   */
  show(model, rows) {
    this.model = model;
    this.rows = rows;
    const order = this.order || Array.from({ length: model.servers }, (_, server) => server);
    this.lanes = order.filter((server) => rows.filter.servers.has(server));
  }

  resize() {
    const box = this.canvas.getBoundingClientRect();
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    this.width = box.width; this.height = box.height;
    this.canvas.width = Math.round(box.width * ratio);
    this.canvas.height = Math.round(box.height * ratio);
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  get scale() { return this.byTime ? this.zoom.time : this.zoom.order; }

  /**
   * Return where a row is on the scale: its number, or its time in milliseconds.
   * @param {number} row
   */
  place(row) {
    if (this.byTime) return (this.model.events[this.rows.items[row]].time - this.shift) * 1000;
    return this.slots ? this.slots[row] : row;
  }

  /** Where the last row is, of both runs if there are two. */
  get end() { return Math.max(this.ownEnd, this.partner ? this.partner.ownEnd : 0); }

  get ownEnd() { return this.rows.length ? this.place(this.rows.length - 1) : 0; }

  get begin() { return Math.min(this.ownBegin, this.partner ? this.partner.ownBegin : this.ownBegin); }

  get ownBegin() { return this.rows.length ? this.place(0) : 0; }

  /** Where the current moment is. */
  get here() { return this.moment ?? this.place(this.rows.rowOf[this.at]); }

  /** @param {number} row */
  y(row) { return this.heightOf(this.place(row)); }

  /** @param {number} place */
  heightOf(place) { return HEAD + (place - this.top) * this.scale + 10; }

  /**
   * Return how far an event is from the begin of the scrubber, as a part of its length.
   * @param {number} number
   */
  partOf(number) {
    const row = this.rows.rowOf[number];
    return this.slots ? (this.slots[row] ?? 0) / Math.max(this.slots[this.slots.length - 1], this.partner?.slots?.at(-1) ?? 0, 1) : row / Math.max(this.rows.length - 1, 1);
  }

  /** @param {number} server */
  x(server) {
    const lane = this.lanes.indexOf(server);
    return lane < 0 ? -100 : LEFT + this.step * (lane + 0.14);
  }

  /**
   * Return the server whose lane is nearest to a place, or -1 if none is near.
   * @param {number} x
   */
  serverAt(x) {
    return this.lanes.find((server) => Math.abs(this.x(server) - x) < Math.min(this.step / 2, 34)) ?? -1;
  }

  /** How far words may go from what they describe. */
  get far() { return Math.max(2 * this.step, 240); }

  get step() { return (this.width - LEFT - 8) / Math.max(this.lanes.length, 1); }

  /**
   * Return the first row at or below a height.
   * @param {number} y
   */
  rowAt(y) {
    const wanted = this.top + (y - HEAD - 10) / this.scale;
    if (!this.byTime && !this.slots) return Math.min(Math.max(Math.ceil(wanted), 0), Math.max(this.rows.length - 1, 0));
    let low = 0, high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.place(middle) < wanted) low = middle + 1;
      else high = middle;
    }
    return Math.min(low, Math.max(this.rows.length - 1, 0));
  }

  /** Scroll until the current event is in view. */
  reveal() {
    if (!this.rows.length) return;
    const y = this.heightOf(this.here);
    if (y < HEAD + 30 || y > this.height - FOOT + 1) this.centre();
  }

  /** Scroll so that the current moment is a little below the middle. */
  centre() {
    this.top = this.here - (this.height - HEAD) * 0.6 / this.scale;
    this.clamp();
  }

  clamp() {
    const room = (this.height - HEAD - 10 - FOOT) / this.scale;
    this.top = Math.max(Math.min(this.top, this.end - room), Math.min(this.begin, 0) - 10 / this.scale);
  }

  /** Zoom until the whole run is in view. */
  fit() {
    this.zoomBy((this.height - 60) / Math.max(this.end - this.begin, 1) / this.scale);
    this.top = this.begin - 4 / this.scale;
  }

  /** @param {number} pixels */
  pan(pixels) {
    this.top += pixels / this.scale;
    this.clamp();
  }

  /**
   * Zoom, and keep what is at a height where it is.
   * @param {number} factor
   * @param {number} [y]
   */
  zoomBy(factor, y = this.height / 2) {
    const kept = this.top + (y - HEAD - 10) / this.scale;
    if (this.byTime) this.zoom.time = Math.min(Math.max(this.zoom.time * factor, 0.0005), 400);
    else this.zoom.order = Math.min(Math.max(this.zoom.order * factor, 0.002), 40);
    this.top = kept - (y - HEAD - 10) / this.scale;
    this.clamp();
  }

  draw() {
    const { pen, colours } = this;
    pen.fillStyle = colours.paper;
    pen.fillRect(0, 0, this.width, this.height);
    this.targets = [];
    if (this.rows.length) {
      const first = Math.max(this.rowAt(HEAD) - 1, 0), last = this.rowAt(this.height);
      this.labels = new Labels(pen, this.lanes.map((server) => this.x(server)), { top: HEAD - 2, left: LEFT, right: this.width - 4 });
      this.drawLanes(first, last);
      this.drawCursor();
      pen.font = LETTERS;
      if (last - first > MANY) this.drawFar(first, last);
      else this.drawNear(first, last);
      this.drawBorders();
      this.labels.place(this.targets);
      this.labels.draw(colours.paper);
    }
    this.drawHead();
  }

  drawHead() {
    const { pen, colours } = this;
    pen.fillStyle = colours.panel;
    pen.fillRect(0, 0, this.width, HEAD - 4);
    pen.fillStyle = colours.ink;
    pen.font = "bold 12px system-ui, sans-serif";
    for (const server of this.lanes) pen.fillText(this.step < 70 ? String(server) : `server ${server}`, this.x(server) - (this.step < 70 ? 3 : 16), 15);
    pen.font = "11px system-ui, sans-serif";
    pen.fillStyle = colours.soft;
    pen.fillText("seconds", 8, 15);
  }

  /**
   * Draw the lanes: the term as the colour of a band, the role as a bar in it, cuts as a shade, a server that is down as a gap.
   * @param {number} first
   * @param {number} last
   */
  drawLanes(first, last) {
    const from = this.rows.items[first], to = this.rows.items[last];
    for (const server of this.lanes) {
      const lane = this.model.stretches[server], x = this.x(server);
      let number = Math.max(stretchesBefore(lane, from) - 1, 0);
      let drawn = -Infinity;
      for (; number < lane.length && lane[number].from <= to; number++) {
        const one = lane[number];
        const top = one.from <= from ? HEAD - 4 : this.y(this.rows.rowOf[one.from]);
        const next = number + 1 < lane.length ? lane[number + 1].from : -1;
        const bottom = next < 0 || next > to ? (last === this.rows.length - 1 ? this.y(last) + 12 : this.height) : this.y(this.rows.rowOf[next]);
        if (bottom - drawn < 0.5) continue;
        drawn = bottom;
        this.drawStretch(one, x, top, Math.max(bottom - top, 0.6));
      }
    }
  }

  /**
   * @param {import("./model.js").Stretch} one
   * @param {number} x
   * @param {number} top
   * @param {number} height
   */
  drawStretch(one, x, top, height) {
    const { pen, colours } = this;
    if (one.cut) {
      pen.fillStyle = colours.cut;
      pen.globalAlpha = Math.min(0.12 + 0.06 * one.cut, 0.4);
      pen.fillRect(x - BAND, top, BAND * 2, height);
      pen.globalAlpha = 1;
    }
    if (!one.up) {
      pen.fillStyle = colours.follower;
      for (let y = top; y < top + height && y < this.height; y += 8) if (y > HEAD - 12) pen.fillRect(x - 1, y, 2, 3);
      return;
    }
    pen.fillStyle = termColour(one.term);
    pen.fillRect(x - BAND / 2, top, BAND, height);
    pen.fillStyle = colours[one.role];
    if (one.role === "leader") pen.fillRect(x - 3, top, 6, height);
    else if (one.role === "candidate") for (let y = Math.max(top, 0); y < Math.min(top + height, this.height); y += 7) pen.fillRect(x - 3, y, 6, Math.min(4, top + height - y));
    else pen.fillRect(x - 1, top, 2, height);
    if (one.paused) {
      pen.fillStyle = colours.bad;
      pen.fillRect(x - BAND / 2, top, 2, height);
      pen.fillRect(x + BAND / 2 - 2, top, 2, height);
    }
    const label = height > 30 && top > HEAD - 5 && this.scale * (this.byTime ? 20 : 1) > 4;
    if (label) this.labels.add(RANK.term, `t${one.term}`, colours.soft, [{ x: x - BAND / 2 - 3, y: top + 12, way: -1, end: 0 }], true);
  }

  /**
   * Draw each row in view: its arrow, its mark and, if there is room, its words.
   * @param {number} first
   * @param {number} last
   */
  drawNear(first, last) {
    const { model, rows } = this;
    const begin = rows.items[first];
    const open = model.stateAt(begin - 1).flying;
    if (open.size < 300) for (const sent of open) if (model.to[sent] < 0 || model.to[sent] > begin) this.drawMessage(sent);
    let shown = -1, lastY = -100;
    const wordy = Array(model.servers + 1).fill(-100);
    for (let row = first; row <= last; row++) {
      const number = rows.items[row], e = model.events[number], y = this.y(row);
      this.pen.globalAlpha = this.focus && !this.past.has(number) ? 0.3 : 1;
      if (e.time !== shown && y - lastY >= 12) {
        this.labels.add(RANK.mark, e.time.toFixed(4), this.colours.soft, [{ x: 10, y: y + 4, way: 1, end: this.width, free: true }]);
        shown = e.time; lastY = y;
      }
      const lane = e.server < 0 || rows.isFold(row) ? model.servers : e.server;
      const room = y - wordy[lane] >= TEXT_FROM - 1 && this.hasWords;
      if (room && this.needsWords(number, e)) wordy[lane] = y;
      this.drawRow(row, number, e, y, room);
    }
    this.pen.globalAlpha = 1;
  }

  /**
   * Return whether an event has words in its lane; most ends of messages have none.
   * @param {number} number
   * @param {any} e
   */
  needsWords(number, e) {
    if (e.kind !== "deliver" && e.kind !== "drop") return true;
    return this.model.from[number] < 0 || e.kind === "deliver" && (e.copy || this.model.late.has(number));
  }

  /** Whether there is room for the words of rows. */
  get hasWords() { return this.byTime || this.scale >= TEXT_FROM; }

  /**
   * @param {number} row
   * @param {number} number
   * @param {any} e
   * @param {number} y
   * @param {boolean} room whether there is room for words
   */
  drawRow(row, number, e, y, room) {
    const { pen, colours } = this;
    if (this.rows.isFold(row)) {
      if (room) this.fold(row, y);
      return;
    }
    if (e.server < 0) {
      pen.strokeStyle = colours.soft;
      pen.setLineDash([3, 4]);
      line(pen, LEFT - 6, y, this.width - 8, y);
      pen.setLineDash([]);
      const colour = e.kind === "verdict" && e.status !== "pass" ? colours.bad : colours.soft, x = LEFT + 0.14 * this.step + 11;
      if (room) this.labels.add(RANK.mark, this.rows.words(row), colour, [{ x, y: y - 5, way: 1, end: this.width }]);
      return;
    }
    const x = this.x(e.server);
    this.target(x, y, x, y, number);
    if (this.past.has(number)) { pen.strokeStyle = this.facts.has(number) ? colours.bad : colours.cursor; pen.lineWidth = this.facts.has(number) ? 3 : 1.5; circle(pen, x, y, 8); pen.lineWidth = 1; }
    if (e.kind === "send" || e.kind === "reply") this.drawMessage(number, room);
    else if (e.kind === "deliver" || e.kind === "drop") this.drawEnd(number, e, room);
    else this.drawMark(row, e, x, y, room);
  }

  /**
   * Write how many events of heartbeats a row stands for, in full if there is room between two lanes.
   * @param {number} row
   * @param {number} y
   */
  fold(row, y) {
    const words = this.rows.words(row), short = words.split(" ").slice(0, 2).join(" ");
    const gaps = this.lanes.map((server) => ({ x: this.x(server) + 11, y: y + 4, way: /** @type {1} */ (1), end: this.width, stay: true }));
    this.labels.add(RANK.fold, words, this.colours.soft, gaps.flatMap((spot) => [spot, { ...spot, text: short }]));
  }

  /**
   * Draw a message from the event that sent it.
   * @param {number} sent
   * @param {boolean} [room]
   */
  drawMessage(sent, room = false) {
    const { model, pen, colours } = this, e = model.events[sent];
    const end = model.to[sent];
    const x1 = this.x(e.server), y1 = this.y(this.rows.rowOf[sent]);
    const x2 = end >= 0 ? this.x(e.peer) : (x1 + this.x(e.peer)) / 2; // still on its way: half the distance
    const y2 = end >= 0 ? this.y(this.rows.rowOf[end]) : Math.max(this.y(this.rows.length - 1), y1) + 14;
    const isLost = end >= 0 && model.events[end].kind === "drop";
    this.arrow(sent, x1, y1, isLost ? x1 + 0.55 * (x2 - x1) : x2, isLost ? Math.max(y1 + 0.55 * (y2 - y1), y1) : y2, e.kind === "reply", !isLost && end >= 0);
    if (isLost) this.lose(x1 + 0.55 * (x2 - x1), y1 + 0.55 * (y2 - y1), model.events[end].reason);
    if (room) this.label(e, x1, y1, x2);
  }

  /**
   * Write the content of a message beside its beginning.
   * @param {any} e
   * @param {number} x1
   * @param {number} y1
   * @param {number} x2
   */
  label(e, x1, y1, x2) {
    const request = e.kind === "send" || e.leg === "request";
    const words = `${request ? callName(e.call) + " " : ""}${messageWords(e.call, e.message, request)}`;
    const refused = e.message.success === false || e.message.vote_granted === false;
    const way = x2 < x1 ? -1 : 1, far = this.far;
    const near = { x: x1 + way * 11, y: y1 - 4, way, end: x1 + way * far }, opposite = { x: x1 - way * 11, y: y1 + 4, way: -way, end: x1 - way * far };
    this.labels.add(RANK.message, words, refused ? this.colours.bad : this.colours.message, /** @type {import("./labels.js").Spot[]} */ ([{ ...near, stay: true }, { ...opposite, stay: true }, near, opposite]));
  }

  /**
   * Draw the end of a message if its beginning is not in the trace, or its second copy.
   * @param {number} number
   * @param {any} e
   * @param {boolean} room
   */
  drawEnd(number, e, room) {
    const { model, pen, colours } = this;
    const sent = model.from[number], y = this.y(this.rows.rowOf[number]);
    const source = e.kind === "drop" ? e.server : e.peer, target = e.kind === "drop" ? e.peer : e.server;
    if (sent < 0 || model.to[sent] !== number) {
      const x1 = this.x(source), y1 = sent < 0 ? y - 4 : this.y(this.rows.rowOf[sent]);
      this.arrow(number, x1, y1, this.x(target), y, e.leg === "reply", true);
      if (sent < 0 && room && e.message) this.label(e, x1, y1, this.x(target));
    }
    if (e.kind === "drop") return;
    pen.fillStyle = model.late.has(number) ? colours.bad : colours.message;
    pen.beginPath();
    pen.arc(this.x(target), y, 3, 0, 7);
    this.fillMark();
    if (room && (e.copy || model.late.has(number))) this.labels.add(RANK.reason, e.copy ? "again" : "late", colours.bad, beside(this.x(target), y, 11, this.step));
  }

  /**
   * @param {number} number
   * @param {number} x1
   * @param {number} y1
   * @param {number} x2
   * @param {number} y2
   * @param {boolean} isReply
   * @param {boolean} hasTip
   */
  arrow(number, x1, y1, x2, y2, isReply, hasTip) {
    const { pen, colours } = this;
    const isMarked = this.past.has(number);
    pen.strokeStyle = pen.fillStyle = colours.message;
    pen.lineWidth = isMarked ? 2.4 : 1.2;
    pen.setLineDash(isReply ? [5, 3] : []);
    const away = x2 > x1 ? -6 : 6;
    const [from, to] = clipped(y1, y2, this.height), slope = (x2 + (hasTip ? away : 0) - x1) / (y2 - y1 || 1);
    if (from <= to || y2 < y1) line(pen, from === y1 ? x1 : x1 + slope * (from - y1), from, to === y2 ? x2 + (hasTip ? away : 0) : x1 + slope * (to - y1), to);
    pen.setLineDash([]);
    pen.lineWidth = 1;
    this.target(x1, y1, x2, y2, number);
    if (!hasTip) return;
    const turn = Math.atan2(y2 - y1, x2 - x1);
    pen.beginPath();
    pen.moveTo(x2 + away * 0.5, y2);
    for (const side of [-0.4, 0.4]) pen.lineTo(x2 + away * 0.5 - 8 * Math.cos(turn + side), y2 - 8 * Math.sin(turn + side));
    pen.fill();
  }

  /**
   * Draw where a message was lost, with the reason: near it, between two lanes if it fits there.
   * @param {number} x
   * @param {number} y
   * @param {string} reason
   */
  lose(x, y, reason) {
    this.cross(x, y, 4);
    if (!this.hasWords) return;
    const near = [0, 11, -11].flatMap((down) => beside(x, y + down, 9, this.step)), from = this.labels.between(reason, x);
    const under = [16, -8, 28, -20].map((down) => ({ ...near[0], x: from, y: y + down, end: this.width }));
    const spots = [...near.slice(0, 2), ...under, ...near.slice(2)].map((spot) => ({ ...spot, stay: true }));
    this.labels.add(RANK.reason, reason, this.colours.bad, [...spots, { ...near[0], end: this.width, free: true }]);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} size
   */
  cross(x, y, size) {
    const { pen, colours } = this;
    pen.strokeStyle = colours.bad;
    pen.lineWidth = 2;
    line(pen, x - size, y - size, x + size, y + size);
    line(pen, x - size, y + size, x + size, y - size);
    pen.lineWidth = 1;
  }

  /**
   * @param {number} row
   * @param {any} e
   * @param {number} x
   * @param {number} y
   * @param {boolean} room
   */
  drawMark(row, e, x, y, room) {
    const { pen, colours } = this;
    pen.beginPath();
    if (e.kind === "save") {
      pen.fillStyle = colours.disk;
      pen.ellipse(x, y, 7, 4, 0, 0, 7);
    } else if (e.kind === "apply" || e.kind === "apply_snapshot") {
      pen.fillStyle = colours.apply;
      pen.moveTo(x, y - 6); pen.lineTo(x + 6, y); pen.lineTo(x, y + 6); pen.lineTo(x - 6, y);
    } else if (e.kind === "note") {
      pen.fillStyle = colours.soft;
      pen.rect(x - 5, y - 4, 10, 8);
    } else {
      pen.fillStyle = colours.ink;
      pen.arc(x, y, e.kind === "timeout" ? 2 : 4, 0, 7);
    }
    this.fillMark();
    if (e.kind === "crash") this.cross(x, y, 7);
    const colour = e.kind === "save" ? colours.disk : e.kind === "crash" || (e.kind === "verdict" && e.status !== "pass") ? colours.bad : colours.ink;
    if (e.kind === "verdict" && e.status !== "pass") { pen.strokeStyle = colours.bad; pen.lineWidth = 3; circle(pen, x, y, 11); pen.lineWidth = 1; }
    if (!room) return;
    if (e.kind === "verdict") {
      const spots = beside(x, y, 14, 2 * this.step).map((spot) => ({ ...spot, stay: true })); // below it there are no lanes
      const below = { ...spots[0], y: y + 26, x: Math.max(Math.min(x - 10, this.width - 220), 10), end: this.width, stay: false, free: true };
      this.labels.add(RANK.verdict, `${e.status.toUpperCase()} ${visible(e.rule || "")}`, colour, [...spots, below]);
    } else this.labels.add(RANK.mark, this.rows.words(row), colour, beside(x, y, 12, this.far));
  }

  /** Fill a mark, with a border that shows it on bands and bars of any colour. */
  fillMark() {
    this.pen.fill();
    this.pen.strokeStyle = this.colours.paper;
    this.pen.stroke();
  }

  /**
   * Draw a long stretch of the run: some of its messages as thin lines, and of the marks in each line of pixels the gravest.
   * @param {number} first
   * @param {number} last
   */
  drawFar(first, last) {
    const { pen, model, rows, colours } = this;
    const step = Math.ceil((last - first) / MANY);
    pen.globalAlpha = 0.35;
    pen.strokeStyle = colours.message;
    pen.beginPath();
    for (let row = first; row <= last; row += step) {
      const number = rows.items[row], sent = model.from[number];
      if (sent < 0) continue;
      const e = model.events[number];
      if (e.kind !== "deliver") continue;
      pen.moveTo(this.x(e.peer), this.y(rows.rowOf[sent]));
      pen.lineTo(this.x(e.server), this.y(row));
    }
    pen.stroke();
    pen.globalAlpha = 1;
    for (const [kind, colour, width] of /** @type {[string, string, number][]} */ ([["commit", colours.apply, 5], ["note", colours.soft, 5], ["election", colours.leader, 9], ["fault", colours.bad, 11], ["violation", colours.bad, 30]])) {
      pen.fillStyle = colour;
      let drawn = -10;
      for (const number of model.marks[kind]) {
        if (number < rows.items[first]) continue;
        if (number > rows.items[last]) break;
        const y = Math.round(this.y(rows.rowOf[number]));
        if (y === drawn) continue;
        drawn = y;
        const server = model.events[number].server;
        if (server < 0) pen.fillRect(LEFT - 12, y, 8, 2);
        else pen.fillRect(this.x(server) + 8, y, width, 2);
      }
    }
    this.drawScale(first, last);
  }

  /**
   * Write times beside a long stretch.
   * @param {number} first
   * @param {number} last
   */
  drawScale(first, last) {
    const { pen, model, rows } = this;
    pen.fillStyle = this.colours.soft;
    let lastY = -100;
    const step = Math.max(Math.floor((last - first) / 400), 1);
    for (let row = first; row <= last; row += step) {
      const y = this.y(row);
      if (y - lastY < 40) continue;
      lastY = y;
      pen.fillText(model.events[rows.items[row]].time.toFixed(3), 6, y + 4);
    }
  }

  /** Draw where the run beside it is another one. */
  drawBorders() {
    if (this.common >= 0) this.drawBorder(this.common, "=", 9);
    if (this.difference >= 0) this.drawBorder(this.difference, "≠", -9);
  }

  /**
   * Draw a line across all lanes at an event, with a sign.
   * @param {number} number
   * @param {string} sign
   * @param {number} below how far below the event, in pixels
   */
  drawBorder(number, sign, below) {
    const { pen, colours } = this, y = this.y(this.rows.rowOf[number]) + below;
    if (y < HEAD || y > this.height) return;
    pen.strokeStyle = colours.ink;
    pen.lineWidth = 2;
    pen.setLineDash([8, 4]);
    line(pen, 0, y, this.width, y);
    pen.setLineDash([]);
    pen.lineWidth = 1;
    pen.fillStyle = colours.paper;
    pen.fillRect(this.width - 22, y - 8, 16, 16);
    pen.fillStyle = colours.ink;
    pen.font = "bold 15px system-ui, sans-serif";
    pen.fillText(sign, this.width - 19, y + 5);
    pen.font = LETTERS;
  }

  drawCursor() {
    const { pen, colours } = this;
    const y = this.heightOf(this.here);
    pen.strokeStyle = colours.cursor;
    pen.lineWidth = 1.5;
    line(pen, 0, y + 0.5, this.width, y + 0.5);
    pen.lineWidth = 1;
    pen.fillStyle = colours.cursor;
    pen.beginPath();
    pen.moveTo(0, y - 6); pen.lineTo(8, y); pen.lineTo(0, y + 6);
    pen.fill();
  }

  /**
   * Remember where an event can be clicked.
   * @param {number} x1
   * @param {number} y1
   * @param {number} x2
   * @param {number} y2
   * @param {number} number
   */
  target(x1, y1, x2, y2, number) {
    this.targets.push({ x1, y1, x2, y2, number });
  }

  /**
   * Return the event that is drawn at a place, or the one of the nearest row.
   * @param {number} x
   * @param {number} y
   */
  eventAt(x, y) {
    let best = -1, least = 7;
    for (const one of this.targets) {
      const far = distance(one, x, y) - (one.x1 === one.x2 && one.y1 === one.y2 ? 2 : 0);
      if (far < least) { least = far; best = one.number; }
    }
    if (best >= 0) return best;
    const row = this.rowAt(y - this.scale / 2);
    return this.rows.length ? this.rows.items[row] : -1;
  }
}

/**
 * Return the part of a line's heights that can be seen: a browser takes long for the dashes of a line of a million pixels.
 * @param {number} y1
 * @param {number} y2
 * @param {number} height
 */
function clipped(y1, y2, height) {
  return [Math.max(y1, -100), Math.min(y2, height + 100)];
}

/**
 * Return how many stretches begin at or before an event.
 * @param {{from: number}[]} lane
 * @param {number} number
 */
function stretchesBefore(lane, number) {
  let low = 0, high = lane.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lane[middle].from <= number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 */
function line(pen, x1, y1, x2, y2) {
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x
 * @param {number} y
 * @param {number} size
 */
function circle(pen, x, y, size) {
  pen.beginPath();
  pen.arc(x, y, size, 0, 7);
  pen.stroke();
}

/**
 * Return how far a point is from a line.
 * @param {{x1: number, y1: number, x2: number, y2: number}} one
 * @param {number} x
 * @param {number} y
 */
function distance({ x1, y1, x2, y2 }, x, y) {
  const dx = x2 - x1, dy = y2 - y1, length = dx * dx + dy * dy;
  const part = length ? Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / length)) : 0;
  return Math.hypot(x - x1 - part * dx, y - y1 - part * dy);
}

/**
 * Return the places for words on both sides of something, the right one first.
 * @param {number} x
 * @param {number} y
 * @param {number} away how far from it
 * @param {number} room how far words may go
 * @returns {import("./labels.js").Spot[]}
 */
function beside(x, y, away, room) {
  return [{ x: x + away, y: y + 4, way: 1, end: x + room }, { x: x - away, y: y + 4, way: -1, end: x - room }];
}
