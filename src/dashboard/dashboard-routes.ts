import { app, type HttpHandler, type HttpRequest, type HttpResponseInit } from '@azure/functions';
import { withErrorHandling } from '../functions/with-error-handling.js';
import { HttpError } from '../functions/http-error.js';
import { isNotModified } from '../functions/is-not-modified.js';
import { type DashboardAsset, readDashboardAssets } from './dashboard-assets.js';

const PAGE = 'index.html';

/** Prevents text from a model from loading resources, running script, or sending data elsewhere. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const SECURITY_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/**
 * Registers the page that shows threads live, and its files. They contain no data and need no key; the API that the page
 * calls requires one when function keys are enabled.
 */
export function registerDashboardRoutes(): void {
  const readAsset = createAssetReader();
  app.http('dashboard', {
    methods: ['GET'],
    route: 'dashboard',
    authLevel: 'anonymous',
    handler: createDashboardRoute(readAsset),
  });
  app.http('dashboard_asset', {
    methods: ['GET'],
    route: 'dashboard/{asset}',
    authLevel: 'anonymous',
    handler: createDashboardAssetRoute(readAsset),
  });
}

/** `GET dashboard` */
export function createDashboardRoute(readAsset: AssetReader): HttpHandler {
  return withErrorHandling(async (request) => {
    // The page addresses its files and the API relative to itself.
    if (new URL(request.url).pathname.endsWith('/')) return { status: 308, headers: { location: '../dashboard' } };
    return answerWith(request, await readAsset(PAGE), 'no-cache');
  });
}

/** `GET dashboard/{asset}`: file names change with their content. */
export function createDashboardAssetRoute(readAsset: AssetReader): HttpHandler {
  return withErrorHandling(async (request) => {
    const name = request.params['asset'] ?? '';
    return answerWith(request, await readAsset(name), 'public, max-age=31536000, immutable');
  });
}

export type AssetReader = (name: string) => Promise<DashboardAsset>;

/** Reads the files of the built page, or of `folder`, at the first request, and caches them. */
export function createAssetReader(folder?: string): AssetReader {
  let assets: ReturnType<typeof readDashboardAssets> | undefined;
  return async (name) => {
    assets ??= readDashboardAssets(folder).catch((error: unknown) => {
      // The next request tries again.
      assets = undefined;
      throw error;
    });
    const asset = (await assets).get(name);
    if (asset === undefined) throw new HttpError(404, 'The dashboard has no such file.');
    return asset;
  };
}

function answerWith(
  request: HttpRequest,
  { content, compressed, contentType, etag }: DashboardAsset,
  cacheControl: string,
): HttpResponseInit {
  const isCompressed = acceptsGzip(request);
  const headers = {
    ...SECURITY_HEADERS,
    etag: isCompressed ? etag.replace(/"$/, '-gzip"') : etag,
    vary: 'accept-encoding',
    'cache-control': cacheControl,
  };
  if (isNotModified(request, etag)) return { status: 304, headers };
  return isCompressed
    ? { headers: { ...headers, 'content-type': contentType, 'content-encoding': 'gzip' }, body: compressed }
    : { headers: { ...headers, 'content-type': contentType }, body: content };
}

/** The host does not compress answers. */
function acceptsGzip(request: HttpRequest): boolean {
  const codings = (request.headers.get('accept-encoding') ?? '').split(',');
  return codings.some((coding) => /^\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i.test(coding));
}
