// What is known of each server at a moment, from the trace alone: the disk (saves), the wire and the apply channel.
// Votes and logs are those on the disk; of a server that has never saved, those that its messages and answers show.
/** @typedef {import("./words.js").TraceEvent} TraceEvent */
/** @typedef {{term: number, command: any}} Entry */

/**
 * One server. `log` is never changed in place, so that copies may share it.
 * @typedef {object} Server
 * @property {boolean} up
 * @property {boolean} paused
 * @property {number} incarnation
 * @property {"follower" | "candidate" | "leader"} role
 * @property {number} term
 * @property {boolean} saves whether it has saved anything
 * @property {number | null} vote
 * @property {number} base the last index that its snapshot covers
 * @property {number} baseTerm
 * @property {Entry[]} log the entries after `base`
 * @property {number} commit as its messages show it
 * @property {number} applied
 * @property {Record<number, number>} next a leader's next_index, as its messages show it
 * @property {Record<number, number>} match a leader's match_index, as the answers that reached it show it
 * @property {number} stood the term in which it last stood for election
 */

/**
 * The cluster. `flying`: the messages on their way, by the number of the event that sent them.
 * @typedef {object} State
 * @property {Server[]} servers
 * @property {Set<string>} cut directed links that do not work, as "0>1"
 * @property {Set<number>} flying
 */

/**
 * @param {number} servers
 * @returns {State}
 */
export function firstState(servers) {
  return { servers: Array.from({ length: servers }, newServer), cut: new Set(), flying: new Set() };
}

/** @returns {Server} */
function newServer() {
  return {
    up: false, paused: false, incarnation: 0, role: "follower", term: 0, saves: false, vote: null, base: 0, baseTerm: 0,
    log: [], commit: 0, applied: 0, next: {}, match: {}, stood: -1,
  };
}

/**
 * @param {State} state
 * @returns {State}
 */
export function copyOf(state) {
  const servers = state.servers.map((one) => ({ ...one, next: { ...one.next }, match: { ...one.match } }));
  return { servers, cut: new Set(state.cut), flying: new Set(state.flying) };
}

/**
 * Return the index of the last entry in a server's log.
 * @param {Server} server
 */
export function lastIndex(server) {
  return server.base + server.log.length;
}

/**
 * Return the entry at an index, or null if the log does not hold it.
 * @param {Server} server
 * @param {number} index
 */
export function entryAt(server, index) {
  return server.log[index - server.base - 1] || null;
}

/**
 * Change a state by one event.
 * @param {State} state
 * @param {number} number the event's number in the run
 * @param {TraceEvent} e
 * @param {(rpc: number) => TraceEvent | null} requestOf finds the request of a call
 * @param {number} from the number of the event that sent this message, or -1
 */
export function advance(state, number, e, requestOf, from) {
  const one = state.servers[e.server];
  const change = CHANGES[e.kind];
  if (change) change(state, one, e, requestOf);
  if (e.kind === "send" || e.kind === "reply") state.flying.add(number);
  else if ((e.kind === "deliver" || e.kind === "drop") && from >= 0) state.flying.delete(from);
}

/**
 * Note the term that a server shows; of one that saves nothing, that its vote is free then.
 * @param {Server} one
 * @param {number} term
 */
function reach(one, term) {
  if (term <= one.term) return;
  one.term = term;
  if (!one.saves) one.vote = null;
}

/**
 * Return whether a request for a vote is on trial (PreVote): it has a field of its sender's own that is true.
 * @param {TraceEvent} e
 */
function isTrial(e) {
  return Object.values(e.extra || {}).includes(true);
}

/**
 * Note the entries that a server shows to have, if it saves nothing. Entries that conflict with them are gone; the rest stays.
 * @param {Server} one
 * @param {number} prev the index before the first of them
 * @param {Entry[]} entries
 */
function show(one, prev, entries) {
  if (one.saves || prev > one.log.length) return;
  const differs = entries.findIndex((entry, at) => one.log[prev + at]?.term !== entry.term);
  if (differs >= 0) one.log = one.log.slice(0, prev + differs).concat(entries.slice(differs));
}

/** @type {Record<string, (state: State, one: Server, e: TraceEvent, requestOf: (rpc: number) => TraceEvent | null) => void>} */
const CHANGES = {
  send(state, one, e) {
    const isCurrent = e.message.term >= one.term; // a request that was ready before its sender stepped down may leave later
    reach(one, e.message.term);
    if (e.call === "RequestVote") {
      if (!isCurrent) return;
      one.role = "candidate";
      one.stood = e.message.term;
      if (!one.saves && !isTrial(e)) one.vote = e.server;
    } else if (e.call === "AppendEntries") {
      one.next[e.peer] = e.message.prev_log_index + 1;
      if (e.message.leader_commit > one.commit) one.commit = e.message.leader_commit;
      if (isCurrent) show(one, e.message.prev_log_index, e.message.entries);
    } else if (e.call === "InstallSnapshot") one.next[e.peer] = e.message.last_included_index + 1;
  },
  start(state, one, e) {
    if (e.is_leader) show(one, e.index - 1, [{ term: e.term, command: e.command }]);
  },
  reply(state, one, e, requestOf) {
    reach(one, e.message.term);
    const request = requestOf(e.rpc);
    if (!request) return;
    const { term, candidate_id: candidate } = request.message;
    if (e.message.vote_granted && !one.saves && term === one.term && !isTrial(request)) one.vote = candidate;
    if (e.call !== "AppendEntries" || !e.message.success) return;
    const { prev_log_index: prev, entries, leader_commit: commit } = request.message;
    show(one, prev, entries);
    one.commit = Math.max(one.commit, Math.min(commit, prev + entries.length));
  },
  deliver(state, one, e, requestOf) {
    if (e.leg !== "reply" || e.call !== "AppendEntries" || !e.message.success) return;
    const request = requestOf(e.rpc);
    if (!request || request.message.term !== one.term) return;
    const reached = request.message.prev_log_index + request.message.entries.length;
    one.match[e.peer] = Math.max(one.match[e.peer] || 0, reached);
  },
  save(state, one, e) {
    if (!one.saves) Object.assign(one, { saves: true, base: 0, baseTerm: 0, log: [] });
    one.term = e.current_term;
    one.vote = e.voted_for ?? null;
    const kept = one.log.slice(Math.max(e.last_included_index - one.base, 0), Math.max(e.first_index - 1 - one.base, 0));
    one.base = e.last_included_index;
    one.baseTerm = e.last_included_term;
    one.log = e.entries.length || kept.length !== one.log.length ? kept.concat(e.entries) : one.log;
  },
  apply(state, one, e) {
    one.applied = e.index;
    if (e.index > one.commit) one.commit = e.index;
  },
  apply_snapshot(state, one, e) {
    one.applied = e.index;
    if (e.index > one.commit) one.commit = e.index;
  },
  role(state, one, e) {
    reach(one, e.term);
    if (e.is_leader) {
      if (one.role !== "leader") { one.next = {}; one.match = {}; }
      one.role = "leader";
    } else if (one.stood !== e.term) one.role = "follower";
  },
  crash(state, one) {
    Object.assign(one, { up: false, paused: false, role: "follower", commit: 0, applied: 0, next: {}, match: {}, stood: -1 });
    if (!one.saves) Object.assign(one, { term: 0, vote: null, log: [] }); // nothing is left of it
  },
  restart(state, one, e) { Object.assign(one, { up: true, incarnation: e.incarnation, role: "follower" }); },
  pause(state, one) { one.paused = true; },
  resume(state, one) { one.paused = false; },
  cut(state, one, e) { for (const [a, b] of e.links) state.cut.add(`${a}>${b}`); },
  connect(state, one, e) { for (const [a, b] of e.links) state.cut.delete(`${a}>${b}`); },
};
