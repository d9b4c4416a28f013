import type { Environment } from './environment-values.js';

const OWN_PREFIX = /^(AZURE_OPENAI|CALLBACK|AGENT)_/i;
/** Maximum edit distance of a typo, for names without a known prefix such as AZURE_OPEN_AI_ENDPOINT. */
const TYPO_DISTANCE = 2;

export interface UnknownVariable {
  readonly name: string;
  /** The most similar known name. */
  readonly nearest: string;
}

/**
 * Returns the unknown variables that were probably meant for this app: they have one of its prefixes, or are a typo away
 * from a known name. Ignores empty variables.
 */
export function findUnknownVariables(environment: Environment, knownNames: readonly string[]): UnknownVariable[] {
  const known = new Set(knownNames);
  const own = knownNames.filter((name) => OWN_PREFIX.test(name));
  return Object.keys(environment).flatMap((name) => {
    if (known.has(name) || !environment[name]?.trim()) return [];
    // Other tools name the endpoint differently, such as AZURE_OPENAI_API_BASE.
    if (/^AZURE_OPENAI_/i.test(name) && /^https?:\/\//i.test(environment[name].trim())) {
      return [{ name, nearest: 'AZURE_OPENAI_ENDPOINT' }];
    }
    const isOwn = OWN_PREFIX.test(name);
    const candidates = isOwn ? own : own.filter((candidate) => maybeTypo(name, candidate));
    const nearest = nearestName(name, candidates, isOwn ? Infinity : TYPO_DISTANCE);
    return nearest === undefined ? [] : [{ name, nearest }];
  });
}

/**
 * Returns the most similar candidate within an edit distance. Prefers names that contain all words of the given one, because
 * people leave words out.
 */
function nearestName(name: string, candidates: readonly string[], maxDistance: number): string | undefined {
  const upper = name.toUpperCase();
  const words = upper.split('_');
  const rank = (candidate: string): number => {
    const has = candidate.split('_');
    return editDistance(upper, candidate, maxDistance) + (words.every((word) => has.includes(word)) ? 0 : 1000);
  };
  let best: string | undefined;
  let bestRank = Infinity;
  for (const candidate of candidates) {
    const candidateRank = rank(candidate);
    if (candidateRank < bestRank) [best, bestRank] = [candidate, candidateRank];
  }
  return best;
}

/** Rules out most names quickly: {@link TYPO_DISTANCE} edits leave at least one of three parts of a name as it is. */
function maybeTypo(name: string, candidate: string): boolean {
  const upper = name.toUpperCase();
  const length = Math.ceil(candidate.length / (TYPO_DISTANCE + 1));
  for (let start = 0; start < candidate.length; start += length) {
    if (upper.includes(candidate.slice(start, start + length))) return true;
  }
  return false;
}

/**
 * Returns the Levenshtein distance: the number of insertions, deletions and replacements. Returns Infinity if it is above
 * `max`, which takes much less time.
 */
function editDistance(from: string, to: string, max: number): number {
  if (Math.abs(from.length - to.length) > max) return Infinity;
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    if (Math.min(...current) > max) return Infinity;
    previous = current;
  }
  const distance = previous[to.length] ?? 0;
  return distance > max ? Infinity : distance;
}
