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
    categories: [inner['content_filter_result'], inner['content_filter_results'], error['content_filters']].flatMap(
      filteredCategories,
    ),
    retryAfterSeconds: retryAfterSeconds ?? statedWait(text),
  };
}

/**
 * Returns the error that a chunk or a whole answer contains: its `error`, or all of it if it has no choices and looks like
 * an error. Returns `undefined` if there is none.
 */
export function errorIn(body: Readonly<Record<string, unknown>>): unknown {
  if (isError(body['error'])) return body['error'];
  const { choices } = body;
  if (choices !== undefined) {
    const first: unknown = Array.isArray(choices) ? choices[0] : undefined;
    return isRecord(first) && isError(first['error']) ? first['error'] : undefined;
  }
  const isWhole = body['object'] === 'error' || typeof body['message'] === 'string' || body['detail'] !== undefined;
  return isWhole ? body : undefined;
}

/** Returns whether the value of `error` says anything. Some gateways send it empty with each answer. */
function isError(value: unknown): boolean {
  return isRecord(value) ? Object.values(value).some(Boolean) : Boolean(value);
}

/**
 * Returns the categories that a filter withheld something for, such as `violence` or `jailbreak`.
 *
 * @param results - verdicts by category, or a list of sources with their `content_filter_results`
 */
export function filteredCategories(results: unknown): string[] {
  if (Array.isArray(results)) {
    return results.flatMap((source) => (isRecord(source) ? filteredCategories(source['content_filter_results']) : []));
  }
  if (!isRecord(results)) return [];
  return Object.entries(results)
    .filter(([name, verdict]) => isWithheld(verdict) && /^[a-z_]{1,40}$/.test(name))
    .map(([name]) => name);
}

/** @param verdict - of one filter, or of several, such as blocklists */
function isWithheld(verdict: unknown): boolean {
  if (Array.isArray(verdict)) return verdict.some(isWithheld);
  return isRecord(verdict) && verdict['filtered'] === true;
}

/** Creates the error for an answer that the model or its filter withheld. */
export function contentFilterError(categories: readonly string[] = [], cause?: Error): AgentError {
  const named = categories.length === 0 ? '' : ` (${categories.slice(0, 4).join(', ')})`;
  return new AgentError('content_filter', `The content filter of the model withheld the answer${named}.`, { cause });
}

/** Returns whether the endpoint rejects `stream_options`. Endpoints word this differently. */
export function isStreamOptionsRefused({ status, text, param, code }: ModelFailure): boolean {
  const isNamed = /stream.?options|include.?usage/i.test(`${param} ${text}`);
  // Some servers fail with a 5xx on an unknown parameter.
  if (isNamed && status !== undefined && status >= 400 && ![401, 403, 429].includes(status)) return true;
  if (status !== 400 && status !== 422) return false;
  // It rejects a parameter and names none that it must support.
  const refusesSomething =
    /unknown|unrecogni[sz]ed|unsupported|unexpected|extra|additional|not (supported|permitted|allowed|recogni[sz]ed)|no such|invalid (field|argument|parameter|request)/i;
  const namesAnother = /model|messages?\b|temperature|max_|reasoning|content|context|token|\bstream\b|role|key/i;
  return param === undefined && refusesSomething.test(text) && !namesAnother.test(`${text} ${code}`);
}

/** Returns whether the endpoint does not support streaming. */
export function isStreamRefused({ status, text, param }: ModelFailure): boolean {
  return status !== undefined && [400, 405, 422, 501].includes(status) && /\bstream/i.test(param ?? text);
}

/** Returns whether the conversation exceeds the context length of the model. */
export function isContextLengthExceeded({ status, text, code }: ModelFailure): boolean {
  // llama.cpp sends this code with status 400 or 500.
  if (/exceed_context_size/i.test(code)) return true;
  if (status !== undefined && (status < 400 || status === 401 || status === 429 || status >= 500)) return false;
  return /context.?(length|window|size|limit)|maximum (context|prompt)|(prompt|input) is too long|input token count|too many (input )?tokens|reduce the length/i.test(
    text,
  );
}

/** Returns whether the endpoint filtered the prompt or the answer. */
export function isFiltered({ text }: ModelFailure): boolean {
  return /content_?filter|ResponsibleAIPolicyViolation|content management policy|invalid_prompt|usage policy|data_?inspection_?failed|content exists risk/i.test(
    text,
  );
}

/** Returns whether the endpoint knows the path, but not the deployment. */
export function isDeploymentMissing({ status, text, isJson }: ModelFailure): boolean {
  if (status === 404) return isJson && /deployment|model/i.test(text);
  return (
    status === 400 &&
    /DeploymentNotFound|OperationNotSupported|model_not_found|(unknown|unavailable|invalid)[_ ]model\b|not a valid model|model (does )?not exist/i.test(
      text,
    )
  );
}

/** Returns whether the network rules of the resource refuse the app's address. */
export function isNetworkRefused({ status, text }: ModelFailure): boolean {
  return status === 403 && /firewall|virtual network|public (network )?access|private (endpoint|link)/i.test(text);
}

/** Returns whether a rate limit or quota is used up. The quota policy of Azure API Management answers 403. */
export function isRateLimited({ status, text }: ModelFailure): boolean {
  return status === 429 || (status === 403 && /quota/i.test(text));
}

/** Returns whether a server or gateway gave up waiting for the model. 524 is Cloudflare's status. */
export function isTimeout(status: number | undefined): boolean {
  return status === 408 || status === 504 || status === 524;
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

/** Returns the wait in whole seconds that the message of a rate limit states, as `6 seconds`, `6.5s` or `1m26.4s`. */
function statedWait(text: string): number | undefined {
  const pattern = /(?:retry|try again) (?:after|in) (?:(\d{1,4}) ?m(?:in\w*)? ?)?(\d{1,6}(?:\.\d+)?) ?s/i;
  const [, minutes = 0, seconds] = pattern.exec(text) ?? [];
  return seconds === undefined ? undefined : Math.ceil(Number(minutes) * 60 + Number(seconds));
}

function isErrorStatus(value: number): boolean {
  return value >= 400 && value < 600;
}

function isScalar(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}
