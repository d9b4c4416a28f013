/** The header in which App Service Authentication identifies a user. @param claims pairs of type and value */
export function principalHeader(claims: readonly (readonly string[])[], provider = 'aad'): string {
  const principal = { auth_typ: provider, claims: claims.map(([typ, val]) => ({ typ, val })) };
  return Buffer.from(JSON.stringify(principal)).toString('base64');
}
