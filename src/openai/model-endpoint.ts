import { isLoopbackHost } from '../functions/loopback-host.js';

/** The newest generally available version of the dated API. */
const DEFAULT_API_VERSION = '2024-10-21';
/** Versions of the dated API, and the names that select the v1 API. */
export const API_VERSION = /^(\d{4}-\d{2}-\d{2}(-preview)?|v1|preview|latest)$/i;
const PUBLIC_TOKEN_SCOPE = 'https://cognitiveservices.azure.com/.default';

/** The API to call, and its address. */
export type ModelApi =
  | {
      /** `POST {baseUrl}/deployments/{deployment}/chat/completions?api-version={apiVersion}` */
      readonly api: 'dated';
      /** Ends in `/openai`. */
      readonly baseUrl: string;
      readonly apiVersion: string;
    }
  | {
      /** `POST {baseUrl}/chat/completions`, the deployment as `model`. */
      readonly api: 'v1';
      /** Ends in `/v1`. */
      readonly baseUrl: string;
    };

/** A parsed endpoint. */
export interface ModelEndpoint {
  readonly endpoint: ModelApi;
  /** Scope of a Microsoft Entra ID token in the endpoint's cloud. */
  readonly tokenScope: string;
  /** A line for the log if the interpretation of the setting is not obvious. */
  readonly notice?: string;
}

/** The endpoint setting is invalid. The message says what was expected, and does not quote the setting. */
export class ModelEndpointError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ModelEndpointError';
  }
}

const EXPECTED = 'expected https://NAME.openai.azure.com, or https://NAME.openai.azure.com/openai/v1/ for the v1 API';

/** The v1 API of a server that is not Azure, or the URL of a request to it. */
const BARE_V1 = /^(.*\/v1)(\/(chat\/completions|completions|responses|embeddings|models))?$/i;
/** Ends of paths that are requests, such as `/chat/completions` or Ollama's `/api/chat`. */
const REQUEST_PATH = /\/(chat|completions|responses|embeddings|generate|score)$/i;
/** A host name as DNS and TLS know it, or an IP address. */
const HOST_NAME = /^([a-z0-9_-]+\.)*[a-z0-9_-]+\.?$|^\[[0-9a-f:.]+\]$/;

/**
 * Parses an endpoint: a resource, the v1 API, a Foundry resource or project, a gateway, or the whole URL of a request.
 *
 * @param apiVersion - a dated version, or `v1` or `preview` for the v1 API. `undefined`: uses the version in the URL,
 * if any.
 * @throws ModelEndpointError if the endpoint is invalid
 * @see docs/settings.md for a table of all forms
 */
export function parseModelEndpoint(value: string, apiVersion?: string): ModelEndpoint {
  if (!URL.canParse(value)) throw new ModelEndpointError(`is not a URL; ${EXPECTED}`);
  const url = new URL(value);
  assertUsable(url);

  const tokenScope = tokenScopeOf(url.hostname);
  // An address that ends with a slash and a path that begins with one are often joined.
  const path = url.pathname.replaceAll(/\/{2,}/g, '/').replace(/\/$/, '');
  const v1 = (baseUrl: string, notice?: string): ModelEndpoint => ({
    endpoint: { api: 'v1', baseUrl },
    tokenScope,
    ...(notice !== undefined && { notice }),
  });

  const resourceV1 = `${url.origin}/openai/v1`;
  if (/^\/api\/projects(\/|$)/i.test(path)) {
    return v1(
      resourceV1,
      `AZURE_OPENAI_ENDPOINT is a Foundry project. Calling the v1 API of its resource: ${resourceV1}`,
    );
  }
  if (/^\/models(\/|$)/i.test(path) && /\.services\.ai\.azure\./.test(url.hostname)) {
    return v1(resourceV1, `AZURE_OPENAI_ENDPOINT is a model inference endpoint. Calling the v1 API: ${resourceV1}`);
  }

  // The last match counts, because the path of a gateway may also contain "openai".
  const cut = /^(.*)\/openai(\/v1)?(?=\/|$)/i.exec(path);
  if (cut?.[2] !== undefined) {
    const isIgnored = apiVersion !== undefined && !isV1Version(apiVersion);
    const notice =
      'AZURE_OPENAI_API_VERSION has no effect: AZURE_OPENAI_ENDPOINT is the v1 API, which has no versions.';
    return v1(`${url.origin}${cut[1]}/openai/v1`, isIgnored ? notice : undefined);
  }
  if (cut === null) assertResource(url, path);
  const version = apiVersion ?? versionIn(url);
  // A gateway or another server may serve the v1 API without "openai" in its path.
  const [, bareV1] = (cut === null && BARE_V1.exec(path)) || [];
  const root = cut?.[1] ?? bareV1 ?? path;
  if (cut === null && REQUEST_PATH.test(root)) {
    throw new ModelEndpointError(`has the path of a request to another API; ${EXPECTED}`);
  }
  if (version === undefined || isV1Version(version)) {
    if (bareV1 !== undefined) return v1(`${url.origin}${bareV1}`);
    if (version !== undefined) return v1(`${url.origin}${root}/openai/v1`);
  }
  const baseUrl = `${url.origin}${root}/openai`;
  return { endpoint: { api: 'dated', baseUrl, apiVersion: version ?? DEFAULT_API_VERSION }, tokenScope };
}

/** Returns the version in the query of a request's URL. Azure ignores the case of parameter names. */
function versionIn({ searchParams }: URL): string | undefined {
  const [, version] = [...searchParams].find(([name, value]) => isVersionName(name) && value !== '') ?? [];
  if (version === undefined || API_VERSION.test(version)) return version;
  throw new ModelEndpointError(`has an unknown api-version; ${EXPECTED}`);
}

function isVersionName(parameter: string): boolean {
  return parameter.toLowerCase() === 'api-version';
}

/** Returns whether a version selects the v1 API. */
function isV1Version(version: string): boolean {
  return /^(v1|preview|latest)$/i.test(version);
}

function assertUsable(url: URL): void {
  const { protocol, hostname, username, password } = url;
  // Such as https://https://NAME.openai.azure.com, or an address that ends with a comma.
  if (!HOST_NAME.test(hostname) || /^https?$/.test(hostname)) {
    throw new ModelEndpointError(`has no valid host name; ${EXPECTED}`);
  }
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopbackHost(hostname))) {
    throw new ModelEndpointError(`must use https (http on loopback only); ${EXPECTED}`);
  }
  if (`${username}${password}` !== '') throw new ModelEndpointError(`holds a user or a password; ${EXPECTED}`);
  if (/^(portal|ai|oai)\.azure\.(com|us|cn)$/.test(hostname)) {
    throw new ModelEndpointError(`is the address of a portal page, not of a resource; ${EXPECTED}`);
  }
  if (/^([a-z]+\.)?api\.openai\.com$/.test(hostname)) {
    throw new ModelEndpointError(`is OpenAI's own API, which needs other keys than Azure; ${EXPECTED}`);
  }
}

/**
 * Checks an endpoint without `openai` in its path: rejects a path on an Azure resource, a fragment, and any query except
 * a version.
 */
function assertResource({ hostname, searchParams, hash }: URL, path: string): void {
  if (path !== '' && /\.(openai|cognitiveservices|services\.ai)\.azure\.(com|us|cn)$/.test(hostname)) {
    throw new ModelEndpointError(`has a path that Azure OpenAI does not serve; ${EXPECTED}`);
  }
  const hasQuery = [...searchParams.keys()].some((name) => !isVersionName(name));
  if (hasQuery || hash !== '') throw new ModelEndpointError(`has a query or a fragment; ${EXPECTED}`);
}

function tokenScopeOf(hostname: string): string {
  const [, cloud] = /\.(?:azure|azure-api|microsoft)\.(us|cn)$/.exec(hostname) ?? [];
  return cloud === undefined ? PUBLIC_TOKEN_SCOPE : `https://cognitiveservices.azure.${cloud}/.default`;
}
