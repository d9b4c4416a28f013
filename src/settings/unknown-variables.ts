import type { Environment } from './environment-values.js';

const OWN_PREFIX = /^(AZURE_OPENAI|CALLBACK|AGENT)_/i;
/** Two names this close are taken for one another whatever they begin with, as AZURE_OPEN_AI_ENDPOINT. */
const TYPO_DISTANCE = 2;

export interface UnknownVariable {
  readonly name: string;
  /** The known name that is most like it. */
  readonly nearest: string;
}

/**
 * Finds the variables that were probably meant for this app and that it does not know: they have a prefix of its own, or
 * are a typo away from a known name. Empty ones do not count.
 */
export function findUnknownVariables(environment: Environment, knownNames: readonly string[]): UnknownVariable[] {
  const known = new Set(knownNames);
  const own = knownNames.filter((name) => OWN_PREFIX.test(name));
  return Object.keys(environment).flatMap((name) => {
    if (known.has(name) || !environment[name]?.trim()) return [];
    const isOwn = OWN_PREFIX.test(name);
    // A length that differs by more than the limit cannot be a typo; most variables are not looked at further.
    const candidates = isOwn ? own : own.filter((other) => Math.abs(other.length - name.length) <= TYPO_DISTANCE);
    const nearest = nearestName(name, candidates);
    if (nearest === undefined) return [];
    return isOwn || editDistance(name.toUpperCase(), nearest) <= TYPO_DISTANCE ? [{ name, nearest }] : [];
  });
}

/** A name that holds all words of the other one is nearer than any that does not: people leave words out. */
function nearestName(name: string, candidates: readonly string[]): string | undefined {
  const upper = name.toUpperCase();
  const words = upper.split('_');
  const rank = (candidate: string): number => {
    const has = candidate.split('_');
    return editDistance(upper, candidate) + (words.every((word) => has.includes(word)) ? 0 : 1000);
  };
  let best: { readonly candidate: string; readonly rank: number } | undefined;
  for (const candidate of candidates) {
    const ranked = { candidate, rank: rank(candidate) };
    if (best === undefined || ranked.rank < best.rank) best = ranked;
  }
  return best?.candidate;
}

/** Levenshtein distance: how many characters have to be inserted, deleted or replaced. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
