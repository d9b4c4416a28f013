const PROTOCOLS = ['http:', 'https:', 'mailto:'];

/** Returns an address that a link may lead to; `undefined` for scripts, data, relative addresses and nonsense. */
export function safeHref(href: string): string | undefined {
  const url = URL.canParse(href) ? new URL(href) : undefined;
  return url !== undefined && PROTOCOLS.includes(url.protocol) ? url.href : undefined;
}
