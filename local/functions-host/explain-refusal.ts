import { isAllowedOrigin, isPreflight, type CorsOptions } from './cors.js';
import type { HostRequest } from './server-quirks.js';

const safeMethods = new Set(['GET', 'HEAD']);
const loopbackName = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/**
 * Protects a developer's machine from web pages in its browser. The host requires no key by default, so any page could
 * run an agent with a plain form, or read everything after pointing its own host name at 127.0.0.1 (DNS rebinding). Every
 * browser request names its host, and every request that may change something also names its origin:
 * https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 *
 * @param cors - origins that may call the app. If undefined, only its own.
 * @returns why the request is refused, or undefined if it is allowed
 */
export function explainRefusal(request: HostRequest, cors: CorsOptions | undefined): string | undefined {
  const host = request.headers.get('host') ?? '';
  const [, hostName = '', port = '80'] = /^(.*?)(?::(\d+))?$/.exec(host) ?? [];
  // `@azure/functions` would not answer a request whose address is no URL, such as 127.0.0.999.
  if (host !== '' && !(loopbackName.test(hostName) && URL.canParse(`http://${host}`))) {
    return `The local Functions host serves localhost only, not ${host}.`;
  }
  // A preflight only asks whether another request may be sent.
  if (safeMethods.has(request.method) || isPreflight(request)) return undefined;
  const origin = request.headers.get('origin');
  const isForeign =
    origin === undefined
      ? request.headers.get('sec-fetch-site')?.toLowerCase() === 'cross-site'
      : !isOwnOrigin(origin, port);
  if (!isForeign || isAllowedOrigin(cors, origin)) return undefined;
  const source = origin === undefined ? 'another site' : origin;
  return `Pages from ${source} may not call this app. To allow them, add the origin to Host.CORS in local.settings.json.`;
}

/** The app's own pages have the same port, under any name of this machine. */
function isOwnOrigin(origin: string, port: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, hostname, port: originPort } = new URL(origin);
  return protocol === 'http:' && loopbackName.test(hostname) && (originPort || '80') === port;
}
