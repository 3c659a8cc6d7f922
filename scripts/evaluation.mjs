// Measures what the library finds, through the public npm API with its default options: conversations go in as an
// agent would store them, questions are asked as an agent would ask them. Used by scripts/eval.mjs and by the tests.
import { LocalProvider } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';

/**
 * @typedef {{ id: string, speaker: string, role: 'user' | 'assistant', text: string }} Turn
 * @typedef {{ id: string, time: string, turns: Turn[] }} Session
 * @typedef {{ question: string, evidence: string[], kind: string }} Question
 * @typedef {{ id: string, userId: string, sessions: Session[], questions: Question[] }} Conversation
 */

export const cutoffs = [1, 5, 10, 20];

/** Reads LoCoMo's own format or that of tests/data/conversations.json. @returns {Conversation[]} */
export function readConversations(/** @type {unknown} */ json) {
  if (Array.isArray(json)) return json.map(fromLocomo);
  if (Array.isArray(json?.conversations)) return json.conversations;
  throw new Error('neither a LoCoMo file (an array) nor {conversations: [...]}');
}

const locomoKinds = {
  1: 'multi-hop',
  2: 'temporal',
  3: 'open-domain',
  4: 'single-hop',
  5: 'adversarial',
};

function fromLocomo({ sample_id: id, conversation, qa }) {
  const sessions = [];
  for (let number = 1; conversation[`session_${number}_date_time`] !== undefined; number++) {
    const turns = (conversation[`session_${number}`] ?? []).map((turn) => ({
      id: turn.dia_id,
      speaker: turn.speaker,
      role: turn.speaker === conversation.speaker_a ? 'user' : 'assistant',
      text: turn.blip_caption ? `${turn.text} [image: ${turn.blip_caption}]` : turn.text,
    }));
    if (turns.length === 0) continue;
    sessions.push({
      id: `session-${number}`,
      time: locomoTime(conversation[`session_${number}_date_time`]),
      turns,
    });
  }
  const questions = qa.map((each) => ({
    question: each.question,
    evidence: locomoEvidence(each.evidence ?? []),
    kind: locomoKinds[each.category],
  }));
  return { id, userId: id, sessions, questions };
}

/** "1:56 pm on 8 May, 2023", taken as UTC. */
function locomoTime(text) {
  const match = /^(\d+):(\d+) (am|pm) on (\d+) (\w+), (\d+)$/.exec(text);
  if (!match) throw new Error(`not a session's time: ${text}`);
  const [, hour, minute, half, day, month, year] = match;
  const hours = (Number(hour) % 12) + (half === 'pm' ? 12 : 0);
  return new Date(`${day} ${month} ${year} ${hours}:${minute} UTC`).toISOString();
}

/** Some entries join ids or pad them: "D8:6; D9:17", "D:11:26", "D30:05". */
function locomoEvidence(entries) {
  const ids = entries.flatMap((entry) =>
    [...entry.matchAll(/D:?(\d+):(\d+)/g)].map(
      ([, session, turn]) => `D${session}:${Number(turn)}`,
    ),
  );
  return [...new Set(ids)];
}

/** Stores a conversation: one run a session, one message a turn, the session's time. */
export async function storeConversation(provider, { userId, sessions }) {
  const memoryOf = new Map();
  for (const session of sessions) {
    const messages = session.turns.map(({ role, speaker, text }) => ({
      role,
      name: speaker,
      content: text,
    }));
    const stored = await provider.storeMemories(messages, {
      userId,
      runId: session.id,
      timestamp: session.time,
    });
    session.turns.forEach((turn, index) => memoryOf.set(turn.id, stored[index].id));
  }
  return memoryOf;
}

/**
 * Where each piece of evidence stands in the results, from 1; Infinity where it was not found. And of each of the first
 * ten results the score, and whether it is evidence.
 */
async function ask(provider, { userId }, question, memoryOf, strategy) {
  const found = await provider.retrieveMemories(question.question, {
    userId,
    topK: Math.max(...cutoffs),
    ...(strategy && { strategy }),
  });
  const rankOf = new Map(found.map(({ id }, index) => [id, index + 1]));
  const evidence = question.evidence.map((turn) => memoryOf.get(turn));
  return {
    ranks: evidence.map((id) => rankOf.get(id) ?? Infinity),
    hits: found.slice(0, 10).map(({ id, score }) => ({ score, isRelevant: evidence.includes(id) })),
  };
}

function scoresOf(ranks) {
  const first = Math.min(...ranks);
  const gain = (rank) => (rank <= 10 ? 1 / Math.log2(rank + 1) : 0);
  const distinct = [...new Set(ranks)];
  const ideal = ranks.slice(0, 10).reduce((sum, _, index) => sum + gain(index + 1), 0);
  return {
    ...Object.fromEntries(
      cutoffs.map((k) => [`R@${k}`, ranks.filter((rank) => rank <= k).length / ranks.length]),
    ),
    MRR: first === Infinity ? 0 : 1 / first,
    'NDCG@10': distinct.reduce((sum, rank) => sum + gain(rank), 0) / ideal,
  };
}

export function mean(rows) {
  const keys = Object.keys(rows[0] ?? {});
  return Object.fromEntries(
    keys.map((key) => [key, rows.reduce((sum, row) => sum + row[key], 0) / rows.length]),
  );
}

/**
 * Asks every question that has evidence, at the time of its conversation's last session, within that conversation's
 * user only.
 *
 * @param {Conversation[]} conversations
 * @returns one row a question: {conversation, kind, question, ranks, hits, scores}
 */
export async function evaluate(conversations, { strategy } = {}) {
  const rows = [];
  for (const conversation of conversations) {
    const last = Date.parse(conversation.sessions.at(-1).time);
    const provider = await LocalProvider.open({ storage: memoryStorage(), now: () => last });
    const memoryOf = await storeConversation(provider, conversation);
    for (const question of conversation.questions) {
      const known = question.evidence.filter((turn) => memoryOf.has(turn));
      if (known.length === 0) continue;
      const { ranks, hits } = await ask(
        provider,
        conversation,
        { ...question, evidence: known },
        memoryOf,
        strategy,
      );
      rows.push({
        conversation: conversation.id,
        kind: question.kind,
        question: question.question,
        ranks,
        hits,
        scores: scoresOf(ranks),
      });
    }
    await provider.close();
  }
  return rows;
}

/** The rows' means in columns. */
export function formatTable(groups) {
  const columns = [...cutoffs.map((k) => `R@${k}`), 'MRR', 'NDCG@10'];
  const head = ['', 'questions', ...columns];
  const body = groups
    .filter(([, rows]) => rows.length > 0)
    .map(([name, rows]) => {
      const means = mean(rows.map((row) => row.scores));
      return [name, String(rows.length), ...columns.map((column) => means[column].toFixed(3))];
    });
  return inColumns([head, ...body]);
}

const thresholds = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/**
 * What scores mean: of the first ten hits, those with a score between one threshold and the next, their mean score and
 * the share of them that is relevant; and what a `minRelevanceScore` of the threshold keeps: hits a question, the share
 * of them that is relevant, and the share kept of all relevant ones among the first ten.
 */
export function reliability(rows) {
  const hits = rows.flatMap((row) => row.hits);
  const relevant = (some) => some.filter(({ isRelevant }) => isRelevant).length;
  return thresholds.map((from, index) => {
    const to = thresholds[index + 1] ?? Infinity;
    const between = hits.filter(({ score }) => score >= from && score < to);
    const kept = hits.filter(({ score }) => score >= from);
    return {
      from,
      hits: between.length,
      meanScore: between.reduce((sum, { score }) => sum + score, 0) / between.length,
      relevant: relevant(between) / between.length,
      keptPerQuestion: kept.length / rows.length,
      precision: relevant(kept) / kept.length,
      recall: relevant(kept) / relevant(hits),
    };
  });
}

export function formatReliability(rows) {
  const share = (value) => (Number.isNaN(value) ? '-' : value.toFixed(3));
  return inColumns([
    ['score from', 'hits', 'mean score', 'relevant', 'kept a question', 'precision', 'recall'],
    ...reliability(rows).map((row) => [
      row.from.toFixed(1),
      String(row.hits),
      share(row.meanScore),
      share(row.relevant),
      row.keptPerQuestion.toFixed(2),
      share(row.precision),
      share(row.recall),
    ]),
  ]);
}

function inColumns(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join('  '),
    )
    .join('\n');
}
