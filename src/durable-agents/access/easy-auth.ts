import { z } from 'zod';
import type { Authorize } from './authorize.js';

const PRINCIPAL_HEADER = 'x-ms-client-principal';

/** Claims that identify a user permanently, best first. Names and addresses can pass to another user. */
const ID_CLAIMS = [
  'http://schemas.microsoft.com/identity/claims/objectidentifier',
  'oid',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier',
  'sub',
];

const principalSchema = z.object({
  auth_typ: z.string().min(1),
  claims: z.array(z.object({ typ: z.string(), val: z.string() })),
});

/**
 * Authorizes the users of App Service Authentication. A thread belongs to the user who started it.
 *
 * App Service sets the header and removes a header that a client sends, but only while authentication is turned on and
 * required. Otherwise a client with a function key can impersonate any user.
 *
 * @see https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
 */
export function easyAuth(): Authorize {
  return async (request) => {
    const { data } = principalSchema.safeParse(decode(request.headers.get(PRINCIPAL_HEADER) ?? ''));
    const id = ID_CLAIMS.map((type) => data?.claims.find(({ typ }) => typ === type)?.val).find(Boolean);
    // Two providers may use the same id for different users.
    return data === undefined || id === undefined ? undefined : { id: `${data.auth_typ}|${id}` };
  };
}

function decode(header: string): unknown {
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString());
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
