import { AgentError } from '../durable-agents/index.js';
import { isRecord } from './is-record.js';

/** The error body of a provider, in the dialects of Azure OpenAI and compatible endpoints. */
export interface ModelFailure {
  /** HTTP status. For an error inside a stream, the usual status of this error; `undefined` if unknown. */
  readonly status: number | undefined;
  /** The provider's code, type and message, for matching. Untrusted text. */
  readonly text: string;
  readonly code: string;
  readonly param: string | undefined;
  /** Whether the error was a JSON object, as the API sends it. If not, a proxy or gateway probably sent it. */
  readonly isJson: boolean;
  /** Categories of the content filter that were triggered. */
  readonly categories: readonly string[];
  readonly retryAfterSeconds: number | undefined;
}

/** Reads the body of a failed response, its `error` member, or the error event of a stream. */
export function readModelFailure(body: unknown, status?: number, retryAfterSeconds?: number): ModelFailure {
  const listed: unknown = Array.isArray(body) ? body[0] : body;
  const error = isRecord(listed) && listed['error'] ? listed['error'] : listed;
  if (!isRecord(error)) {
    const text = typeof error === 'string' ? error : '';
    return {
      status: status ?? statusOf(text),
      text,
      code: '',
      param: undefined,
      isJson: false,
      categories: [],
      retryAfterSeconds: retryAfterSeconds ?? statedWait(text),
    };
  }
  const inner = isRecord(error['innererror']) ? error['innererror'] : {};
  const code = [error['code'], error['status'], error['type']].filter(isScalar).join(' ');
  const message = typeof error['message'] === 'string' ? error['message'] : JSON.stringify(error);
  const text = `${code} ${isScalar(inner['code']) ? inner['code'] : ''} ${message}`.trim();
  const number = [error['status'], error['status_code'], error['code']].map(Number).find(isErrorStatus);
  return {
    status: status ?? number ?? statusOf(code) ?? statusOf(text),
    text,
    code,
    param: typeof error['param'] === 'string' ? error['param'] : undefined,
    isJson: true,
    categories: filteredCategories(inner['content_filter_result'] ?? inner['content_filter_results']),
    retryAfterSeconds: retryAfterSeconds ?? statedWait(text),
  };
}

/** Returns the categories that a filter withheld something for, such as `violence` or `jailbreak`. */
export function filteredCategories(results: unknown): string[] {
  if (!isRecord(results)) return [];
  return Object.entries(results)
    .filter(([name, verdict]) => /^[a-z_]{1,40}$/.test(name) && isRecord(verdict) && verdict['filtered'] === true)
    .map(([name]) => name);
}

/** Creates the error for an answer that the model or its filter withheld. */
export function contentFilterError(categories: readonly string[] = [], cause?: Error): AgentError {
  const named = categories.length === 0 ? '' : ` (${categories.slice(0, 4).join(', ')})`;
  return new AgentError('content_filter', `The content filter of the model withheld the answer${named}.`, { cause });
}

/** Returns whether the endpoint rejects `stream_options`. Endpoints word this differently. */
export function isStreamOptionsRefused({ status, text, param, code }: ModelFailure): boolean {
  if (status !== 400 && status !== 422) return false;
  if (/stream.?options|include.?usage/i.test(`${param} ${text}`)) return true;
  // It rejects a parameter and names none that it must support.
  const refusesSomething =
    /unknown|unrecogni[sz]ed|unsupported|unexpected|extra|additional|not (supported|permitted|allowed|recogni[sz]ed)|no such|invalid (field|argument|parameter|request)/i;
  const namesAnother = /model|messages?\b|temperature|max_|reasoning|content|context|token|\bstream\b|role|key/i;
  return param === undefined && refusesSomething.test(text) && !namesAnother.test(`${text} ${code}`);
}

/** Returns whether the endpoint does not support streaming. */
export function isStreamRefused({ status, text, param }: ModelFailure): boolean {
  return (status === 400 || status === 422) && /\bstream/i.test(param ?? text);
}

/** Returns whether the conversation exceeds the context length of the model. */
export function isContextLengthExceeded({ status, text }: ModelFailure): boolean {
  if (status !== undefined && (status < 400 || status === 401 || status === 429 || status >= 500)) return false;
  return /context.?length|context.?window|maximum context|prompt is too long|input is too long|too many (input )?tokens|reduce the length/i.test(
    text,
  );
}

/** Returns whether the endpoint filtered the prompt or the answer. */
export function isFiltered({ text }: ModelFailure): boolean {
  return /content_?filter|ResponsibleAIPolicyViolation|content management policy/i.test(text);
}

/** Returns whether the endpoint knows the path, but not the deployment. */
export function isDeploymentMissing({ status, text, isJson }: ModelFailure): boolean {
  if (status === 404) return isJson && /deployment|model/i.test(text);
  return status === 400 && /DeploymentNotFound|unknown_model|model_not_found|OperationNotSupported/i.test(text);
}

/** Returns the usual HTTP status of an error that arrived without one. */
function statusOf(text: string): number | undefined {
  const [, number] = /^\D{0,20}\b([45]\d\d)\b/.exec(text) ?? [];
  if (number !== undefined) return Number(number);
  if (/rate.?limit|too.?many.?requests|throttl|quota/i.test(text)) return 429;
  if (/overload|unavailable|server.?error|internal.?error|capacity|try again/i.test(text)) return 503;
  if (/unauthori[sz]ed|invalid.?api.?key|authentication|permission|forbidden/i.test(text)) return 401;
  if (/not.?found|unknown_model/i.test(text)) return 404;
  if (/invalid.?request|bad.?request|context.?length/i.test(text)) return 400;
  return undefined;
}

/** Returns the wait in seconds that Azure states in the message of a rate limit. */
function statedWait(text: string): number | undefined {
  const [, seconds] = /(?:retry|try again) (?:after|in) (\d{1,6}) ?s/i.exec(text) ?? [];
  return seconds === undefined ? undefined : Number(seconds);
}

function isErrorStatus(value: number): boolean {
  return value >= 400 && value < 600;
}

function isScalar(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}
