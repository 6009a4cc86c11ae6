// One axis for two runs: a place for each moment at which a row of either stands. Rows of the same time share one.
/** @typedef {import("./rows.js").Rows} Rows */

const SAME = 1e-9; // seconds between two times that are the same

export class Axis {
  /**
   * @param {Rows} left
   * @param {Rows} right
   * @param {number} shift the seconds by which the right run is taken earlier than it was
   */
  constructor(left, right, shift) {
    /** @type {number[]} */ this.times = []; // for each place its virtual time in the left run
    /** @type {[number[], number[]]} */ this.slots = [[], []]; // for each row of the two runs its place
    let a = 0, b = 0;
    while (a < left.length || b < right.length) {
      const here = a < left.length ? timeOf(left, a) : Infinity, there = b < right.length ? timeOf(right, b) - shift : Infinity;
      const isOneNote = a < left.length && b < right.length && isNote(left, a) !== isNote(right, b);
      const isBoth = Math.abs(here - there) < SAME && !isOneNote;
      const isLeft = isBoth || (Math.abs(here - there) < SAME ? isNote(left, a) : here < there);
      if (isLeft) this.slots[0][a++] = this.times.length;
      if (isBoth || !isLeft) this.slots[1][b++] = this.times.length;
      this.times.push(Math.min(here, there));
    }
  }

  get length() { return this.times.length; }

  /**
   * Return the last place that is not later than a time; 0 if all are later.
   * @param {number} time
   */
  placeAt(time) { return Math.max(countUpTo(this.times, time) - 1, 0); }

  /**
   * Return the row of a run at a place, or the last one before it; -1 before its first row.
   * @param {number} run
   * @param {number} place
   */
  rowAt(run, place) { return countUpTo(this.slots[run], place) - 1; }
}

/**
 * @param {Rows} rows
 * @param {number} row
 */
function timeOf(rows, row) { return rows.model.events[rows.items[row]].time; }

/**
 * @param {Rows} rows
 * @param {number} row
 */
function isNote(rows, row) { return rows.model.events[rows.items[row]].kind === "note"; }

/**
 * Return how many numbers of a sorted list are not greater than a number.
 * @param {number[]} list
 * @param {number} most
 */
function countUpTo(list, most) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= most) low = middle + 1;
    else high = middle;
  }
  return low;
}
