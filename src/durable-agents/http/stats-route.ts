import { app, type HttpFunctionOptions, type HttpHandler } from '@azure/functions';
import { z } from 'zod';
import { parseQuery, timeOf, wholeNumber } from '../../functions/query-parameters.js';
import { withErrorHandling } from '../../functions/with-error-handling.js';
import type { KeyValueStore } from '../../storage/key-value-store.js';
import type { ThreadAccess } from '../access/thread-access.js';
import { readFigures } from '../runs/run-figures.js';
import { type AgentStats, type Percentiles, type RunSums, sumRuns } from '../stats/agent-stats.js';
import { costSchema } from './answer-schemas.js';

const MAX_BUCKETS = 500;
const USUAL_BUCKETS = 60;
const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;
/** Candidates for the default width of buckets, in seconds. */
const USUAL_WIDTHS = [MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE, 6 * 60 * MINUTE, DAY, 7 * DAY];

/** `GET agents/{agentName}/stats` */
export const statsQuery = z.object({
  /** Only runs that were accepted at or after this time. Default: all. */
  since: timeOf().optional(),
  /** Only runs that were accepted before this time. Default: now. */
  until: timeOf().optional(),
  /** Minimum width of a bucket in seconds. It is wider if there would be more than 500. Default: about 60 buckets. */
  bucket: wholeNumber(MINUTE, 7 * DAY).optional(),
});

const sumsSchema = z.object({
  runs: z.int(),
  completed: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  running: z.int(),
  waiting_for_approval: z.int(),
  input_token_count: z.int(),
  output_token_count: z.int(),
  cost: costSchema.optional(),
});

const percentilesSchema = z.object({ count: z.int(), p50: z.number().nullable(), p95: z.number().nullable() });

export const statsSchema = z.object({
  agent_name: z.string(),
  since: z.string(),
  until: z.string(),
  bucket_seconds: z.int(),
  buckets: z.array(z.object({ start: z.string(), ...sumsSchema.shape })),
  totals: sumsSchema,
  failures: z.array(z.object({ error_code: z.string(), count: z.int() })),
  first_update_ms: percentilesSchema,
  total_ms: percentilesSchema,
  truncated: z.literal(true).optional().describe('Runs from before `since` are not included.'),
});

export interface StatsRouteOptions {
  readonly access: ThreadAccess;
  readonly storage: KeyValueStore;
  /** Maximum number of runs that one request reads. @default 10,000, which is ten reads of a store */
  readonly maxRuns?: number;
  readonly now?: () => Date;
}

/** Registers `GET agents/{agentName}/stats`. */
export function registerStatsRoute(
  options: StatsRouteOptions & { readonly authLevel: NonNullable<HttpFunctionOptions['authLevel']> },
): void {
  app.http('get_stats', {
    methods: ['GET'],
    route: 'agents/{agentName}/stats',
    authLevel: options.authLevel,
    handler: createStatsRoute(options),
  });
}

/** `GET agents/{agentName}/stats`: summarizes the runs of an agent, or only those of the caller's threads. */
export function createStatsRoute(options: StatsRouteOptions): HttpHandler {
  const { access, storage, maxRuns = 10_000, now = () => new Date() } = options;
  return withErrorHandling(async (request) => {
    const { agentName, owner } = await access.agentOf(request);
    const { since: wanted, until = now(), bucket } = parseQuery(statsQuery, request.query);
    const { runs, cutAtMs } = await readFigures(storage, agentName, { since: wanted, until, owner, limit: maxRuns });
    const untilMs = until.getTime();
    const sinceMs = Math.min(untilMs, cutAtMs ?? wanted?.getTime() ?? runs.at(-1)?.acceptedMs ?? untilMs);
    const period = { sinceMs, untilMs };
    const bucketMs = bucketSeconds(period, bucket) * 1000;
    const jsonBody: z.infer<typeof statsSchema> = {
      agent_name: agentName,
      since: new Date(sinceMs).toISOString(),
      until: until.toISOString(),
      bucket_seconds: bucketMs / 1000,
      ...toWire(sumRuns(runs, { ...period, bucketMs })),
      ...(cutAtMs !== undefined && { truncated: true }),
    };
    return { headers: { 'cache-control': 'no-store' }, jsonBody };
  });
}

/** @param wanted - see {@link statsQuery} */
function bucketSeconds({ sinceMs, untilMs }: { sinceMs: number; untilMs: number }, wanted: number | undefined): number {
  const seconds = (untilMs - sinceMs) / 1000;
  // A period that begins within a bucket touches one more.
  const fits = (width: number, count: number): boolean => seconds / width <= count - 1;
  if (wanted !== undefined && fits(wanted, MAX_BUCKETS)) return wanted;
  const usual = USUAL_WIDTHS.find((width) => width >= (wanted ?? 0) && fits(width, USUAL_BUCKETS));
  const count = wanted === undefined ? USUAL_BUCKETS : MAX_BUCKETS;
  return usual ?? Math.ceil(seconds / (count - 1) / DAY) * DAY;
}

function toWire({ totals, buckets, failures, firstUpdateMs, totalMs }: AgentStats) {
  return {
    buckets: buckets.map(({ startMs, ...sums }) => ({ start: new Date(startMs).toISOString(), ...toWireSums(sums) })),
    totals: toWireSums(totals),
    failures: failures.map(({ errorCode, count }) => ({ error_code: errorCode, count })),
    first_update_ms: toWirePercentiles(firstUpdateMs),
    total_ms: toWirePercentiles(totalMs),
  };
}

function toWireSums(sums: RunSums): z.infer<typeof sumsSchema> {
  const { waitingForApproval, inputTokens, outputTokens, cost, ...counts } = sums;
  return {
    ...counts,
    waiting_for_approval: waitingForApproval,
    input_token_count: inputTokens,
    output_token_count: outputTokens,
    ...(cost && { cost }),
  };
}

function toWirePercentiles({ count, p50, p95 }: Percentiles): z.infer<typeof percentilesSchema> {
  return { count, p50: p50 ?? null, p95: p95 ?? null };
}
