// Why a run failed: the two facts that disagree, and what led to them along the servers' order and the messages.
/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./words.js").TraceEvent} TraceEvent */

const PAST = 400; // events of the past that are marked

/**
 * Return the facts of a violation and their causal past; both empty where nothing failed.
 * @param {Model} model
 * @returns {{facts: number[], past: Set<number>}}
 */
export function causesOf(model) {
  const verdict = model.marks.violation[0];
  if (verdict === undefined) return { facts: [], past: new Set() };
  const facts = factsOf(model, verdict);
  const past = pastOf(model, facts);
  past.add(verdict);
  return { facts, past };
}

/**
 * Return the events that disagree: the one at which the rule broke, and the other that the rule compares it with.
 * @param {Model} model
 * @param {number} verdict
 */
function factsOf(model, verdict) {
  const e = model.events[verdict];
  const servers = new Set([e.server, ...(e.servers || [])].filter((one) => one >= 0));
  const first = search(model, verdict - 1, (one) => isTelling(one) && (servers.size === 0 || one.server === e.server || (e.server < 0 && servers.has(one.server))));
  if (first < 0) return [];
  const facts = [first];
  const other = FINDERS[e.rule] ? FINDERS[e.rule](model, first, model.events[first]) : -1;
  if (other >= 0 && other !== first) facts.push(other);
  else {
    for (const server of servers) {
      if (server === model.events[first].server) continue;
      const found = search(model, first - 1, (one) => one.server === server && ["save", "apply", "role", "reply", "start", "crash"].includes(one.kind));
      if (found >= 0) facts.push(found);
    }
  }
  return facts.sort((a, b) => a - b);
}

/** @param {TraceEvent} e */
function isTelling(e) {
  return !["check", "timeout", "drop", "note"].includes(e.kind);
}

/**
 * @param {Model} model
 * @param {number} begin
 * @param {(e: TraceEvent) => boolean} fits
 */
function search(model, begin, fits) {
  for (let number = begin; number >= 0; number--) if (fits(model.events[number])) return number;
  return -1;
}

/** @typedef {(model: Model, first: number, e: TraceEvent) => number} Finder */

/** @type {Finder} The last save of the same server before the one that broke the rule. */
const saveBefore = (model, first, e) => search(model, first - 1, (one) => one.server === e.server && one.kind === "save");
/** @type {Finder} What reached the same server last. */
const heardBefore = (model, first, e) => search(model, first - 1, (one) => one.server === e.server && one.kind === "deliver");

/** @type {Finder} */
const otherLeader = (model, first, e) => {
  const term = e.message ? e.message.term : e.term;
  return search(model, first - 1, (one) => one.server !== e.server && ((one.kind === "role" && one.is_leader && one.term === term) ||
    (one.kind === "send" && one.call === "AppendEntries" && one.message.term === term)));
};

/** @type {Finder} */
const otherVote = (model, first, e) => {
  const term = e.message ? e.message.term : e.current_term;
  return search(model, first - 1, (one) => one.server === e.server && ((one.kind === "reply" && one.message.vote_granted && one.message.term === term && one.peer !== e.peer) ||
    (one.kind === "send" && one.call === "RequestVote" && one.message.term === term) || (one.kind === "save" && one.current_term === term && one.voted_for != null && one.voted_for !== e.voted_for)));
};

/** @type {Finder} */
const otherApply = (model, first, e) => search(model, first - 1, (one) => one.kind === "apply" && one.index === e.index && one.server !== e.server && JSON.stringify(one.command) !== JSON.stringify(e.command));

/** @type {Finder} The newest answer of success that reached the leader in this term. */
const lastSuccess = (model, first, e) => search(model, first - 1, (one) => one.kind === "deliver" && one.server === e.server && one.leg === "reply" && one.call === "AppendEntries" && one.message.success);

/** @type {Record<string, Finder>} */
const FINDERS = {
  ElectionSafety: otherLeader,
  LeaderHasMajority: (model, first, e) => search(model, first - 1, (one) => one.server === e.server && one.kind === "deliver" && one.call === "RequestVote" && one.leg === "reply"),
  OneVotePerTerm: otherVote,
  StateMachineSafety: otherApply,
  ApplyInOrder: (model, first, e) => search(model, first - 1, (one) => one.server === e.server && (one.kind === "apply" || one.kind === "apply_snapshot")),
  CommitOnlyCurrentTerm: lastSuccess,
  CommitNeedsMajority: lastSuccess,
  LeaderAppendOnly: saveBefore,
  MatchingKept: heardBefore,
  ConflictTruncated: heardBefore,
  TermNeverDecreases: saveBefore,
  HigherTermAdopted: heardBefore,
  StaleTermRejected: heardBefore,
  VoteOnlyUpToDate: heardBefore,
  VoteDenied: heardBefore,
  ConsistencyCheck: heardBefore,
  ConsistencyRefusal: heardBefore,
  CommitBound: heardBefore,
  StepsDown: heardBefore,
  SavedBeforeReply: saveBefore,
  SavedBeforeSend: saveBefore,
  RestoredOnRestart: saveBefore,
};

/**
 * Return the nearest events that happened before some events: earlier at the same server, or where a message came from.
 * @param {Model} model
 * @param {number[]} events
 */
function pastOf(model, events) {
  /** @type {Set<number>} */ const past = new Set();
  let border = [...events];
  while (border.length && past.size < PAST) {
    border.sort((a, b) => b - a);
    const number = /** @type {number} */ (border.shift());
    if (past.has(number)) continue;
    past.add(number);
    const { kind } = model.events[number];
    if (model.from[number] >= 0) border.push(model.from[number]);
    // A server starts from its disk alone.
    if (kind !== "restart" && model.before[number] >= 0) border.push(earlier(model, number));
    border = border.filter((one) => one >= 0 && !past.has(one));
  }
  return past;
}

/**
 * Return the event before this one at its server, without heartbeats and lost messages.
 * @param {Model} model
 * @param {number} number
 */
function earlier(model, number) {
  let before = model.before[number];
  while (before >= 0 && (model.idle[before] || ["drop", "timeout", "check"].includes(model.events[before].kind))) before = model.before[before];
  return before;
}
