/** Host names, as in a URL, that refer to this machine. */
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Returns whether the host of a URL is this machine, so that plain HTTP is acceptable. */
export function isLoopbackHost(hostname: string): boolean {
  return LOOPBACK_HOST.test(hostname);
}
