import type { TokenCredential } from '@azure/identity';
import {
  type EntraidCredentialsProvider,
  EntraIdCredentialsProviderFactory,
  REDIS_SCOPE_DEFAULT,
} from '@redis/entraid';
import type { Logger } from '../../functions/logger.js';

/** Share of a token's life after which connections sign in with a new one. */
const REFRESH_RATIO = 0.8;
const RETRIES = {
  maxAttempts: 10,
  initialDelayMs: 500,
  maxDelayMs: 30_000,
  backoffMultiplier: 2,
  isRetryable: () => true,
};

/**
 * Signs connections in to Azure Managed Redis with a token of Microsoft Entra ID: the user is the identity's object id,
 * the password the token. Open connections sign in again before it expires.
 *
 * @param log told when a new token is refused or unavailable; the server then closes the connection when the old one
 *   expires, and the next command opens another
 */
export function createEntraCredentials(credential: TokenCredential, log?: Logger): EntraidCredentialsProvider {
  return EntraIdCredentialsProviderFactory.createForDefaultAzureCredential({
    credential,
    scopes: REDIS_SCOPE_DEFAULT,
    tokenManagerConfig: { expirationRefreshRatio: REFRESH_RATIO, retry: RETRIES },
    onReAuthenticationError: ({ name }) => log?.warn(`A connection to Redis could not renew its sign-in (${name}).`),
  });
}
