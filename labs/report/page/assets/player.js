// What a page of one run and a page of two have in common: it plays, and is drawn once per frame at most.
import { part } from "./text.js";

const RATE = 12; // events a second at the usual speed of playing

export class Player {
  constructor() {
    this.speed = 1;
    this.playing = false;
    this._asked = false;
    this._all = false;
    /** @type {(() => void) | null} */ this.onToggle = null; // what playing means on a page whose run is not over
  }

  /** @returns {boolean} whether there is nothing after this moment */
  get isAtEnd() { throw new Error("each page knows that itself"); }

  toStart() { throw new Error("each page knows that itself"); }

  /** @param {number} _count */
  step(_count) { throw new Error("each page knows that itself"); }

  /** @param {boolean} _all whether to draw the overview, too */
  drawAll(_all) { throw new Error("each page knows that itself"); }

  /** Play, or pause; at the end it plays from the start again. */
  toggle() {
    if (this.onToggle) { this.onToggle(); return; }
    if (!this.playing && this.isAtEnd) this.toStart();
    this.playing = !this.playing;
    part("play").textContent = this.playing ? "Pause" : "Play";
    if (this.playing) this._play(performance.now(), 0);
    else this.paint();
  }

  /**
   * @param {number} then
   * @param {number} due
   */
  _play(then, due) {
    if (!this.playing) return;
    requestAnimationFrame((now) => {
      const left = due + (now - then) / 1000 * RATE * this.speed, steps = Math.floor(left);
      if (steps) this.step(steps);
      if (this.isAtEnd) this.toggle();
      else this._play(now, left - steps);
    });
  }

  /**
   * Draw everything in the next frame; with the overview, too, if that has changed.
   * @param {boolean} [all]
   */
  paint(all = false) {
    this._all = this._all || all;
    if (this._asked) return;
    this._asked = true;
    requestAnimationFrame(() => { this._asked = false; this.paintNow(); });
  }

  paintNow() {
    const all = this._all;
    this._all = false;
    this.drawAll(all);
  }
}

/**
 * Return the next mark after a place, or with a negative direction the last one before it.
 * @param {number[]} marks
 * @param {number} at
 * @param {number} direction
 */
export function nextMark(marks, at, direction) {
  return direction > 0 ? marks.find((one) => one > at) : marks.findLast((one) => one < at);
}

/**
 * Tell that there is no mark of a kind.
 * @param {string} kind
 * @param {number} direction
 */
export function noMark(kind, direction) {
  part("now").textContent = `no ${kind} ${direction > 0 ? "after" : "before"} this moment`;
}
