import { builtInRedactors } from '../src/durable-agents/index.js';
import { Redaction } from '../src/durable-agents/redaction/redaction.js';
import { StreamRedactor } from '../src/durable-agents/redaction/stream-redactor.js';
import { type Figure, median } from './figure.js';

const ROUNDS = 200;
const WORDS = 'The weather in Paris is mild today, with 21 degrees; write to a.b@example.com or call +49 30 901820.';

/** Measures the cost of all built-in redactors per update of one word, and for a whole message. */
export async function benchRedactionCost(): Promise<Figure[]> {
  const redaction = new Redaction(Object.values(builtInRedactors));
  const pieces = Array.from({ length: 20 }, () => WORDS.split(/(?<= )/)).flat();
  const text = WORDS.repeat(1000);
  const perUpdateUs = timesOf(() => {
    const stream = new StreamRedactor(redaction);
    for (const piece of pieces) stream.push(piece);
    stream.end();
  }).map((ms) => (ms * 1000) / pieces.length);
  const perKilobyteUs = timesOf(() => redaction.text(text), 20).map((ms) => (ms * 1000) / (text.length / 1024));
  return [
    { name: 'redaction with all built-in redactors, per update', measured: `${median(perUpdateUs).toFixed(1)} µs` },
    { name: 'redaction of a whole text, per KiB', measured: `${median(perKilobyteUs).toFixed(1)} µs` },
  ];
}

function timesOf(work: () => void, rounds = ROUNDS): number[] {
  return Array.from({ length: rounds }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
}
