/** The header in which App Service Authentication names a user. @param claims type and value of each */
export function principalHeader(claims: readonly (readonly string[])[], provider = 'aad'): string {
  const principal = { auth_typ: provider, claims: claims.map(([typ, val]) => ({ typ, val })) };
  return Buffer.from(JSON.stringify(principal)).toString('base64');
}
