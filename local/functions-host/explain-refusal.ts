import { isAllowedOrigin, isPreflight, type CorsOptions } from './cors.js';
import type { HostRequest } from './server-quirks.js';

const safeMethods = new Set(['GET', 'HEAD']);
const loopbackName = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/**
 * Protects a developer's machine from the web pages in its browser. The host asks for no key by default, so any page
 * could run an agent with a plain form, or read everything after pointing its own host name at 127.0.0.1 (DNS
 * rebinding). Every request of a browser names the host it wants, and every one that may change something also names
 * the page it comes from: https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 *
 * @param cors - origins that may call the app. Undefined: none but its own.
 * @returns why the request is refused; undefined when it is not.
 */
export function explainRefusal(request: HostRequest, cors: CorsOptions | undefined): string | undefined {
  const host = request.headers.get('host') ?? '';
  const [, hostName = '', port = '80'] = /^(.*?)(?::(\d+))?$/.exec(host) ?? [];
  if (host !== '' && !loopbackName.test(hostName)) {
    return `The local Functions host serves localhost only, not ${host}.`;
  }
  // A preflight request only asks whether another one may be sent.
  if (safeMethods.has(request.method) || isPreflight(request)) return undefined;
  const origin = request.headers.get('origin');
  const isForeign =
    origin === undefined
      ? request.headers.get('sec-fetch-site')?.toLowerCase() === 'cross-site'
      : !isOwnOrigin(origin, port);
  if (!isForeign || isAllowedOrigin(cors, origin)) return undefined;
  const source = origin === undefined ? 'another site' : origin;
  return `A page of ${source} may not call this app. To allow it, list its origin in Host.CORS of local.settings.json.`;
}

/** Pages of the app itself have the same port, under any name of this machine. */
function isOwnOrigin(origin: string, port: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, hostname, port: originPort } = new URL(origin);
  return protocol === 'http:' && loopbackName.test(hostname) && (originPort || '80') === port;
}
