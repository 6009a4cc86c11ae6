// The facts that disagree where a rule is broken: the event that breaks it, and the earlier ones that it contradicts.
// Each rule compares with something of its own, so each has a finder. Knows nothing of how facts are shown.
import { entryAt, lastIndex } from "./state.js";
/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./words.js").TraceEvent} TraceEvent */

/** @typedef {{model: Model, at: number, e: TraceEvent, verdict: TraceEvent}} Break the event that breaks a rule, its number, and the verdict */
/** @typedef {(found: Break) => (number | number[])} Finder returns the numbers of earlier facts; negative ones are passed over */

/**
 * Return the events that disagree, in order; the last is the one that breaks the rule.
 * @param {Model} model
 * @param {number} number of the verdict
 */
export function factsOf(model, number) {
  const verdict = model.events[number];
  const at = breaking(model, number, verdict);
  if (at < 0) return [];
  const found = { model, at, e: model.events[at], verdict };
  const facts = FINDERS[verdict.rule] ? [FINDERS[verdict.rule](found)].flat().filter((one) => one >= 0 && one !== at) : [];
  const others = facts.length ? facts : lastOfOthers(found);
  return [...new Set([...others, at])].sort((a, b) => a - b);
}

/**
 * Return the number of the event at which a rule broke: the last one, or the last one of the server concerned.
 * Where a leader is silent that is its own last event, although another server may have acted when that was noticed.
 * @param {Model} model
 * @param {number} number
 * @param {TraceEvent} verdict
 */
function breaking(model, number, verdict) {
  const servers = new Set([verdict.server, ...(verdict.servers || [])].filter((one) => one >= 0));
  const isOf = (/** @type {TraceEvent} */ one) => servers.size === 0 || one.server === verdict.server || (verdict.server < 0 && servers.has(one.server));
  const isVote = (/** @type {TraceEvent} */ one) => one.kind === "reply" && one.message.vote_granted && one.server === verdict.server;
  const last = number > 0 ? model.events[number - 1] : verdict;
  // A vote on trial counts once its candidate leads by it: the break is the answer, not the candidate's message.
  if (verdict.rule === "SavedBeforeReply" && last.server !== verdict.server) return search(model, number - 1, isVote);
  if (verdict.rule !== "HeartbeatsSent" && isTelling(last) && servers.has(last.server)) return number - 1;
  return search(model, number - 1, (one) => isTelling(one) && isOf(one));
}

/** @type {Finder} */
function lastOfOthers({ model, at, e, verdict }) {
  const others = [verdict.server, ...(verdict.servers || [])].filter((server) => server >= 0 && server !== e.server);
  const kinds = ["save", "apply", "role", "reply", "start", "crash"];
  return others.map((server) => search(model, at - 1, (one) => one.server === server && kinds.includes(one.kind))).filter((one) => one >= 0);
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

/**
 * Return the last event before the break that fits, at the same server; -1 if there is none.
 * @param {Break} found
 * @param {(e: TraceEvent) => boolean} fits
 */
function own(found, fits) {
  return search(found.model, found.at - 1, (one) => one.server === found.e.server && fits(one));
}

/**
 * Return the first of some events that exists.
 * @param {(() => number)[]} searches
 */
function either(...searches) {
  for (const one of searches) {
    const number = one();
    if (number >= 0) return number;
  }
  return -1;
}

/**
 * Return the term that an event shows, or -1.
 * @param {TraceEvent} e
 */
function termOf(e) {
  if (e.message && e.message.term !== undefined) return e.message.term;
  return e.current_term ?? ("is_leader" in e && (e.kind === "role" || e.is_leader) ? e.term : -1);
}

/**
 * Return the entries that an event shows, each with the term of the one before it where the event shows that.
 * @param {TraceEvent} e
 * @returns {{index: number, term: number, command: any, prev: number | undefined}[]}
 */
function entriesOf(e) {
  if (e.kind === "start") return e.is_leader ? [{ index: e.index, term: e.term, command: e.command, prev: undefined }] : [];
  const isSave = e.kind === "save", isAppend = e.call === "AppendEntries" && e.message && e.message.entries;
  if (!isSave && !isAppend) return [];
  const entries = isSave ? e.entries : e.message.entries, first = isSave ? e.first_index : e.message.prev_log_index + 1;
  const base = isSave ? (e.last_included_index === first - 1 ? e.last_included_term : undefined) : e.message.prev_log_term;
  return entries.map((/** @type {any} */ one, /** @type {number} */ place) => ({ index: first + place, term: one.term, command: one.command, prev: place ? entries[place - 1].term : base }));
}

/**
 * Return the disk of the server concerned before the break.
 * @param {Break} found
 */
function disk({ model, at, e }) {
  return model.stateAt(at - 1).servers[e.server];
}

/**
 * Return the number of the event that gave the server its entry at an index: a save, or else a message or a command.
 * @param {Break} found
 * @param {number} index
 */
function gave(found, index) {
  if (!(index > 0)) return -1;
  const holds = (/** @type {TraceEvent} */ one) => entriesOf(one).some((entry) => entry.index === index);
  const covers = (/** @type {TraceEvent} */ one) => one.kind === "save" && one.last_included_index === index;
  return either(() => own(found, (one) => one.kind === "save" && (holds(one) || covers(one))), () => own(found, (one) => one.kind !== "send" && holds(one)));
}

/**
 * Return the first index whose entry a save drops or replaces, or 0.
 * @param {Break} found
 */
function firstLost(found) {
  const { e } = found, old = disk(found);
  if (e.kind !== "save") return 0;
  for (let index = Math.max(e.first_index, old.base + 1); index <= lastIndex(old); index++) {
    if (index > e.last_index || e.entries[index - e.first_index].term !== entryAt(old, index)?.term) return index;
  }
  return 0;
}

/** @type {(found: Break) => number} The request that the event answers, if it is an answer, or what reached the server last. */
const heard = (found) => either(() => own(found, (one) => found.e.kind === "reply" && one.kind === "deliver" && one.leg === "request" && one.rpc === found.e.rpc), () => own(found, (one) => one.kind === "deliver"));
/** @type {(found: Break) => number} What the disk held: the last save, or the start with an empty disk. */
const saved = (found) => either(() => own(found, (one) => one.kind === "save"), () => own(found, (one) => one.kind === "restart"));
/** @type {(found: Break) => number} What the server had on its disk when it was restarted. */
const savedBeforeRestart = (found) => {
  const restart = own(found, (one) => one.kind === "restart" && one.incarnation > 0);
  return restart < 0 ? saved(found) : search(found.model, restart, (one) => one.kind === "save" && one.server === found.e.server);
};
/** @type {(found: Break, term: number) => number} Where the server itself showed a newer term, or else where it heard of it. */
const newerTerm = (found, term) => either(() => own(found, (one) => one.kind !== "deliver" && termOf(one) > term), () => own(found, (one) => termOf(one) > term));
/** @type {(found: Break) => number} */
const applied = (found) => own(found, (one) => one.kind === "apply" || one.kind === "apply_snapshot");
/** @type {(found: Break, term: number) => number} The request for votes by which the server stands in a term. */
const stood = (found, term) => own(found, (one) => one.kind === "send" && one.call === "RequestVote" && one.message.term === term);
/** @type {(found: Break) => number} The newest answer of success that reached the leader. */
const success = (found) => own(found, (one) => one.kind === "deliver" && one.leg === "reply" && one.call === "AppendEntries" && one.message.success);
/** @type {(found: Break) => number} */
const snapshotHeard = (found) => own(found, (one) => one.kind === "deliver" && one.leg === "request" && one.call === "InstallSnapshot");

/**
 * Return the indices that an answer to AppendEntries is about: the one before its entries, and those of its entries.
 * @param {Break} found
 */
function asked(found) {
  const number = heard(found), request = number < 0 ? null : found.model.events[number];
  if (!request || request.call !== "AppendEntries" || request.leg !== "request") return { number, prev: 0, entries: [] };
  return { number, prev: request.message.prev_log_index, entries: entriesOf(request) };
}

/** @type {Finder} */
const otherLeader = (found) => {
  const { model, at, e } = found, term = termOf(e);
  const leads = (/** @type {TraceEvent} */ one) => termOf(one) === term && ((one.kind === "send" && one.call !== "RequestVote") || (["role", "start"].includes(one.kind) && one.is_leader));
  return either(() => search(model, at - 1, (one) => one.server !== e.server && leads(one)), () => stood(found, term));
};

/** @type {Finder} */
const otherVote = (found) => {
  const { e } = found, term = termOf(e), kept = saved(found);
  const vote = kept < 0 ? null : found.model.events[kept].voted_for;
  const earlier = own(found, (one) => (one.kind === "reply" && one.message.vote_granted && one.message.term === term && one.peer !== e.peer) ||
    (one.kind === "send" && one.call === "RequestVote" && one.message.term === term) || (one.kind === "save" && one.current_term === term && one.voted_for != null && one.voted_for !== e.voted_for));
  if (earlier >= 0 && earlier !== kept) return earlier;
  const given = own(found, (one) => vote != null && termOf(one) < term && ((one.kind === "save" && one.voted_for === vote) || (one.kind === "reply" && one.message.vote_granted && one.peer === vote)));
  return [given, earlier, kept];
};

/** @type {Finder} The entry that is shown elsewhere with another command, or after another entry. */
const otherEntry = (found) => {
  const mine = new Map(entriesOf(found.e).map((one) => [one.index, one]));
  const differs = (/** @type {any} */ one) => {
    const other = mine.get(one.index);
    return other && other.term === one.term && (JSON.stringify(other.command) !== JSON.stringify(one.command) || (other.prev !== undefined && one.prev !== undefined && other.prev !== one.prev));
  };
  const elsewhere = search(found.model, found.at - 1, (one) => entriesOf(one).some(differs));
  return elsewhere >= 0 ? elsewhere : replaced(found);
};

/** @type {(found: Break) => number} What the server had before where it now shows an entry of another term. */
const replaced = (found) => {
  const terms = new Map(entriesOf(found.e).map((one) => [one.index, one.term]));
  const lost = firstLost(found);
  if (lost) return gave(found, lost);
  return own(found, (one) => entriesOf(one).some((entry) => terms.has(entry.index) && terms.get(entry.index) !== entry.term));
};

/** @type {Finder} */
const otherApply = (found) => {
  const { model, at, e } = found, command = JSON.stringify(e.command);
  const differs = (/** @type {TraceEvent} */ one) => entriesOf(one).some((entry) => entry.index === e.index && JSON.stringify(entry.command) !== command);
  return either(() => search(model, at - 1, (one) => one.kind === "apply" && one.index === e.index && JSON.stringify(one.command) !== command),
    () => own(found, (one) => one.kind === "deliver" && differs(one)), () => heard(found));
};

/** @type {Finder} What is committed, and is not in the log of a new leader. */
const committedElsewhere = (found) => {
  const { model, at } = found, log = disk(found);
  const isMissing = (/** @type {TraceEvent} */ one) => one.index > log.base && JSON.stringify(entryAt(log, one.index)?.command) !== JSON.stringify(one.command);
  return either(() => search(model, at - 1, (one) => one.kind === "apply" && isMissing(one)),
    () => search(model, at - 1, (one) => one.kind === "deliver" && one.leg === "reply" && one.call === "AppendEntries" && one.message.success && one.server !== found.e.server));
};

/** @type {Finder} */
const matching = (found) => {
  if (found.e.kind === "save") return [gave(found, firstLost(found)), heard(found)];
  if (found.e.kind !== "reply") return [gave(found, found.e.kind === "send" ? found.e.message.prev_log_index : found.e.index), heard(found)];
  const { number, prev, entries } = asked(found), log = disk(found);
  const conflict = entries.find((one) => one.index <= log.base + log.log.length && entryAt(log, one.index)?.term !== one.term);
  return [gave(found, conflict ? conflict.index : prev), number];
};

/** @type {Finder} */
const consistency = (found) => {
  const [held, request] = /** @type {number[]} */ (matching(found));
  return found.e.kind === "reply" ? [held >= 0 ? held : saved(found), request] : held;
};

/** @type {Finder} */
const startAnswers = (found) => {
  const { model, at, e } = found, command = JSON.stringify(e.command);
  if (e.kind === "apply") {
    return either(() => search(model, at - 1, (one) => one.kind === "start" && one.is_leader && JSON.stringify(one.command) === command),
      () => search(model, at - 1, (one) => one.kind === "start" && one.is_leader && one.index === e.index), () => heard(found));
  }
  return either(() => own(found, (one) => one.kind === "start" && one.is_leader && one.index >= e.index), () => newerTerm(found, e.term),
    () => own(found, (one) => one.kind === "save" && one.last_index >= e.index), () => own(found, (one) => one.kind === "role"));
};

/** @type {Finder} The last message from a leader to the peer that waits for one, or the moment from which it leads. */
const lastHeartbeat = (found) => {
  const peer = (found.verdict.servers || [])[1];
  return either(() => own(found, (one) => one.kind === "send" && one.call !== "RequestVote" && one.peer === peer), () => own(found, (one) => one.kind === "role" && one.is_leader));
};

/** @type {Finder} */
const earlierInTerm = (found) => {
  const term = termOf(found.e), isTerm = (/** @type {TraceEvent} */ one) => termOf(one) === term;
  return either(() => own(found, (one) => one.kind === "reply" && one.message.vote_granted && isTerm(one)),
    () => own(found, (one) => one.kind === "deliver" && one.call === "AppendEntries" && one.leg === "request" && isTerm(one)),
    () => own(found, (one) => one.kind === "reply" && isTerm(one)), () => own(found, (one) => one.kind !== "send" && isTerm(one)));
};

/** @type {Finder} */
const snapshotTerm = (found) => {
  const { model, at, e } = found, request = asked(found);
  if (e.kind === "reply") return [own(found, (one) => one.kind === "save" && one.last_included_index === request.prev), request.number];
  const message = e.message || e;
  const index = message.last_included_index ?? message.prev_log_index ?? message.last_log_index ?? e.index;
  const term = message.last_included_term ?? message.prev_log_term ?? message.last_log_term ?? e.term;
  const differs = (/** @type {TraceEvent} */ one) => entriesOf(one).some((entry) => entry.index === index && entry.term !== term) ||
    ["message", "self"].some((from) => { const m = from === "self" ? one : one.message; return m && m.last_included_index === index && m.last_included_term !== term; });
  return either(() => own(found, differs), () => search(model, at - 1, differs), () => saved(found));
};

/** @type {Finder} */
const snapshotBytes = (found) => either(() => own(found, (one) => one.kind === "take_snapshot"), () => snapshotHeard(found), () => search(found.model, found.at - 1, (one) => one.kind === "take_snapshot"), () => saved(found));

/** @type {Finder} The first request of its kind to the peer in the term, of which there are too many. */
const firstRequest = ({ model, at, e }) => model.events.slice(0, at).findIndex((one) => one.kind === "send" && one.server === e.server && one.peer === e.peer && one.call === e.call && termOf(one) === termOf(e));

/** @type {Finder} The command that is not applied in time, where it was accepted or where it came from. */
const waiting = (found) => {
  const { model, at, e } = found, last = e.server < 0 ? 0 : disk(found).applied;
  const isNext = (/** @type {TraceEvent} */ one) => entriesOf(one).some((entry) => entry.index === last + 1);
  return either(() => search(model, at - 1, (one) => one.kind === "start" && isNext(one)), () => own(found, (one) => one.kind === "deliver" && isNext(one)),
    () => search(model, at - 1, (one) => one.kind === "start" && one.is_leader), () => heard(found));
};

/** @type {Finder} What the server heard last, or the change after which the network allows a leader. */
const silence = (found) => {
  if (found.verdict.servers?.length) return either(() => heard(found), () => own(found, (one) => one.call === "RequestVote" || one.kind === "restart"));
  return search(found.model, found.at - 1, (one) => ["connect", "restart", "resume", "network"].includes(one.kind));
};

/** @type {Record<string, Finder>} */
const FINDERS = {
  ElectionSafety: otherLeader,
  LeaderAppendOnly: replaced,
  LogMatching: otherEntry,
  LeaderCompleteness: committedElsewhere,
  StateMachineSafety: otherApply,
  TermNeverDecreases: (found) => either(() => newerTerm(found, termOf(found.e)), () => saved(found)),
  HigherTermAdopted: (found) => either(() => own(found, (one) => one.kind === "deliver" && termOf(one) > termOf(found.e)), () => heard(found)),
  StaleTermRejected: (found) => [newerTerm({ ...found, at: heard(found) }, termOf(found.model.events[heard(found)] || found.e)), heard(found)],
  OneVotePerTerm: otherVote,
  VoteOnlyUpToDate: (found) => (found.e.kind === "send" ? saved(found) : [gave(found, lastIndex(disk(found))), heard(found)]),
  VoteDenied: heard,
  LeaderHasMajority: (found) => either(() => own(found, (one) => one.kind === "deliver" && one.call === "RequestVote" && one.leg === "reply" && one.message.term === termOf(found.e)),
    () => stood(found, termOf(found.e)), () => own(found, (one) => one.call === "RequestVote"), () => own(found, (one) => one.kind === "restart")),
  CandidateIncrementsTerm: earlierInTerm,
  ElectionTimerReset: (found) => own(found, (one) => (one.kind === "deliver" && one.leg === "request" && one.call !== "RequestVote") || (one.kind === "reply" && one.message.vote_granted)),
  RandomizedTimeouts: (found) => own(found, (one) => one.kind === "send" && one.call === "RequestVote" && one.message.term < termOf(found.e)),
  StepsDown: (found) => either(() => own(found, (one) => found.e.kind === "start" && termOf(one) > found.e.term),
    () => own(found, (one) => found.e.kind === "send" && one.kind === "deliver" && one.call === "AppendEntries" && one.leg === "request" && termOf(one) >= termOf(found.e)), () => heard(found)),
  ConsistencyCheck: consistency,
  ConsistencyRefusal: matching,
  ConflictTruncated: matching,
  MatchingKept: matching,
  CommitNeedsMajority: (found) => either(() => success(found), () => saved(found)),
  CommitOnlyCurrentTerm: (found) => [gave(found, found.e.index ?? found.e.message?.leader_commit ?? 0), success(found)],
  CommitBound: (found) => either(() => own(found, (one) => one.kind === "deliver" && one.leg === "request" && one.call === "AppendEntries"), () => saved(found)),
  CommitNeverDecreases: (found) => either(() => own(found, (one) => one.kind === "send" && one.peer === found.e.peer && one.message.term === termOf(found.e) && one.message.leader_commit > (found.e.message?.leader_commit ?? 0)), () => applied(found)),
  ApplyInOrder: (found) => either(() => applied(found), () => own(found, (one) => one.kind === "restart")),
  StartAnswers: startAnswers,
  HeartbeatsSent: lastHeartbeat,
  SavedBeforeReply: saved,
  SavedBeforeSend: saved,
  RestoredOnRestart: savedBeforeRestart,
  NothingExtraPersisted: savedBeforeRestart,
  SnapshotOnlyApplied: (found) => either(() => applied(found), () => own(found, (one) => one.kind === "restart")),
  LogTrimmed: (found) => own(found, (one) => one.kind === "take_snapshot"),
  SnapshotNotRolledBack: (found) => either(() => own(found, (one) => found.e.kind === "save" && one.kind === "save" && one.snapshot_index > (found.e.snapshot_index ?? 0)), () => applied(found)),
  SnapshotKeepsSuffix: (found) => [gave(found, found.e.last_included_index + 1), snapshotHeard(found)],
  SnapshotAndLogTogether: (found) => either(() => own(found, (one) => one.kind === "save"), () => snapshotHeard(found), () => own(found, (one) => one.kind === "restart")),
  SnapshotIsTheServices: snapshotBytes,
  SnapshotTermKept: snapshotTerm,
  InstallWhenNeeded: (found) => (found.e.kind === "send" ? own(found, (one) => one.kind === "deliver" && one.leg === "reply" && one.peer === found.e.peer) : own(found, (one) => one.kind === "save" && one.last_included_index > 0)),
  RpcBudget: firstRequest,
  BackoffBound: (found) => either(() => own(found, (one) => one.kind === "deliver" && one.leg === "reply" && one.call === "AppendEntries" && !one.message.success), () => heard(found)),
  CommittedIsApplied: waiting,
  LeaderInTime: silence,
  NoCrash: heard,
  WellFormed: heard,
  EndsWhenCrashed: (found) => own(found, (one) => one.kind === "crash"),
};
