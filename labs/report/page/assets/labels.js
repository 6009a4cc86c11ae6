// Where the words of the diagram stand: beside what they describe, never on a lane, and never on one another.

/**
 * A place for words. They begin at `x` and run to the right, or with `way` -1 end there; `end` is how far they may go.
 * Where a lane is in the way they go on beyond it, but for words that must `stay`. With `free` no lane is in the way.
 * @typedef {{x: number, y: number, way: 1 | -1, end: number, text?: string, stay?: boolean, free?: boolean}} Spot
 */
/** @typedef {{x: number, y: number, width: number, text: string}} Piece words between two lanes */
/** @typedef {{text: string, colour: string, spots: Spot[], alpha: number, isSmall: boolean}} Label */
/** @typedef {{x1: number, y1: number, x2: number, y2: number}} Line */

const BESIDE = 9; // pixels from the middle of a lane in which there are no words
const ABOVE = 8, BELOW = 3; // how far letters reach above their line, and below
const BETWEEN = 3; // pixels between two words at least
const FEW = 4; // letters that must have room between two lanes, or words do not care for lanes
const NARROW = 0.82; // how much narrower than usual words may be, to fit between two lanes
const FONT = "ui-monospace, Menlo, Consolas, monospace";
export const LETTERS = `11px ${FONT}`, SMALL_LETTERS = `9px ${FONT}`;
/** How much words matter: those that matter more choose their place first. */
export const RANK = { verdict: 0, reason: 1, mark: 2, message: 3, fold: 4, term: 5 };

export class Labels {
  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {number[]} lanes the middles of the lanes, from left to right
   * @param {{top: number, left: number, right: number}} borders of the words
   */
  constructor(pen, lanes, borders) {
    this.pen = pen;
    this.lanes = lanes;
    this.borders = borders;
    /** @type {Label[][]} */ this.wanted = Object.values(RANK).map(() => []);
    /** @type {(Piece & {colour: string, alpha: number, isSmall: boolean})[]} */ this.placed = [];
    pen.font = SMALL_LETTERS;
    const small = pen.measureText("0").width;
    pen.font = LETTERS;
    this.letter = { words: pen.measureText("0").width, small };
  }

  /**
   * Ask for words in the first of some places that is free.
   * @param {number} rank
   * @param {string} text
   * @param {string} colour
   * @param {Spot[]} spots
   * @param {boolean} [isSmall]
   */
  add(rank, text, colour, spots, isSmall = false) {
    this.wanted[rank].push({ text, colour, spots, alpha: this.pen.globalAlpha, isSmall });
  }

  /**
   * Find a place for all words; those for which there is none are left out.
   * @param {Line[]} arrows which words that can stand anywhere keep away from
   */
  place(arrows) {
    this.wanted.forEach((labels, rank) => {
      for (const label of labels) {
        const all = (/** @type {boolean} */ isWhole) => label.spots.flatMap((spot) => [this.free(label, spot, isWhole)].flatMap((one) => (one ? [one] : [])));
        const whole = all(true), free = whole.length ? whole : all(false);
        const pieces = (rank === RANK.fold && free.find((some) => !some.some((one) => isCrossed(one, arrows)))) || free[0] || [];
        for (const one of pieces) this.placed.push({ ...one, colour: label.colour, alpha: label.alpha, isSmall: label.isSmall });
      }
    });
  }

  /**
   * Return the words at a place, or null if it is not free.
   * @param {Label} label
   * @param {Spot} spot
   * @param {boolean} isWhole whether the words may not be cut
   */
  free(label, spot, isWhole) {
    if (spot.y - ABOVE < this.borders.top) return null;
    const pieces = this.pieces(spot.text ?? label.text, spot, label.isSmall ? this.letter.small : this.letter.words, isWhole);
    return pieces && !pieces.some((one) => this.isTaken(one)) ? pieces : null;
  }

  /** @param {Piece} piece */
  isTaken(piece) {
    return this.placed.some((one) => one.x < piece.x + piece.width + BETWEEN && piece.x < one.x + one.width + BETWEEN &&
      Math.abs(one.y - piece.y) < ABOVE + BELOW);
  }

  /**
   * Lay words out from a place, beyond each lane that is in their way; return null if there is no room, or if they must
   * stay and cannot.
   * @param {string} text
   * @param {Spot} spot
   * @param {number} letter the width of a letter
   * @param {boolean} isWhole whether the words may not be cut
   * @returns {Piece[] | null}
   */
  pieces(text, { x, y, way, end, stay, free }, letter, isWhole) {
    const border = free ? undefined : this.laneWithin(x, x + way * text.length * letter, way);
    const room = border === undefined ? Infinity : way * (border - x) - BESIDE;
    if (border !== undefined && room >= NARROW * text.length * letter) return [{ x: way > 0 ? x : x - room, y, width: room, text }];
    if (border !== undefined && stay) return null;
    const longest = Math.floor(this.gap() / letter);
    const words = text.split(" ").map((one) => (free || one.length <= longest || longest < FEW ? one : `${one.slice(0, longest - 1)}…`));
    if (way < 0) words.reverse();
    const { left, right } = this.borders, last = way > 0 ? Math.min(end, right) : Math.max(end, free ? 0 : left);
    /** @type {Piece[]} */ const pieces = [];
    let at = x, line = "", begin = x;
    const close = () => { if (line) pieces.push({ x: way > 0 ? begin : at, y, width: Math.abs(at - begin), text: line }); line = ""; };
    for (let one of words) {
      const space = line ? letter : 0, lane = free ? undefined : this.laneWithin(at, at + way * (space + one.length * letter), way);
      const hops = lane !== undefined && one.length * letter < this.gap();
      if (hops) { close(); at = begin = lane + way * (BESIDE + 2); }
      const most = Math.floor((way * (last - at) - (line ? letter : 0)) / letter), isCut = one.length > most;
      if (isCut && (isWhole || stay || way < 0 || most < 1 && !line && !pieces.length)) return null;
      if (isCut && most < 1) { line = line && `${line.slice(0, -1)}…`; break; }
      if (isCut) one = `${one.slice(0, most - 1)}…`;
      at += way * ((line ? letter : 0) + one.length * letter);
      line = line ? (way > 0 ? `${line} ${one}` : `${one} ${line}`) : one;
      if (isCut) break;
    }
    close();
    return pieces;
  }

  /**
   * Return where words near a place may begin, between the lanes on both sides of it.
   * @param {string} text
   * @param {number} x
   */
  between(text, x) {
    const width = text.length * this.letter.words;
    const left = this.lanes.findLast((lane) => lane <= x) ?? this.borders.left, right = this.lanes.find((lane) => lane > x) ?? this.borders.right;
    return Math.max(Math.min(x - width / 2, right - BESIDE - width), left + BESIDE);
  }

  /** Return how much room there is between two lanes. */
  gap() {
    return this.lanes.length > 1 ? this.lanes[1] - this.lanes[0] - 2 * BESIDE - 2 : this.borders.right;
  }

  /**
   * Return the first lane that words from one place to another would lie on.
   * @param {number} from
   * @param {number} to
   * @param {number} way
   */
  laneWithin(from, to, way) {
    const isMet = (/** @type {number} */ lane) => way * (lane - from) > 0 && way * (to - lane) > -BESIDE;
    return way > 0 ? this.lanes.find(isMet) : this.lanes.findLast(isMet);
  }

  /**
   * Write all words that have a place, each on a plate that keeps arrows and the line of this moment out of it.
   * @param {string} paper the colour of the plates
   */
  draw(paper) {
    const { pen } = this;
    for (const { x, y, width, text, colour, alpha, isSmall } of this.placed) {
      pen.font = isSmall ? SMALL_LETTERS : LETTERS;
      pen.globalAlpha = 1;
      pen.fillStyle = paper;
      pen.fillRect(x - 2, y - ABOVE - 1, width + 4, ABOVE + BELOW + 2);
      pen.globalAlpha = alpha;
      pen.fillStyle = colour;
      pen.fillText(text, x, y, width);
    }
    pen.globalAlpha = 1;
    pen.font = LETTERS;
  }
}

/**
 * Return whether one of some lines goes through words.
 * @param {Piece} piece
 * @param {Line[]} lines
 */
function isCrossed({ x, y, width }, lines) {
  const top = y - ABOVE, bottom = y + BELOW;
  return lines.some(({ x1, y1, x2, y2 }) => {
    if (Math.max(y1, y2) < top || Math.min(y1, y2) > bottom || x1 === x2) return false;
    const at = (/** @type {number} */ height) => x1 + (x2 - x1) * Math.min(Math.max((height - y1) / (y2 - y1 || 1), 0), 1);
    const ends = y1 === y2 ? [x1, x2] : [at(top), at(bottom)];
    return Math.max(...ends) > x && Math.min(...ends) < x + width;
  });
}
