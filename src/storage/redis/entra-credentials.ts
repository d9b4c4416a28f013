import type { TokenCredential } from '@azure/identity';
import {
  type EntraidCredentialsProvider,
  EntraIdCredentialsProviderFactory,
  REDIS_SCOPE_DEFAULT,
} from '@redis/entraid';
import type { Logger } from '../../functions/logger.js';

/** Fraction of a token's lifetime after which connections sign in with a new one. */
const REFRESH_RATIO = 0.8;
const RETRIES = {
  maxAttempts: 10,
  initialDelayMs: 500,
  maxDelayMs: 30_000,
  backoffMultiplier: 2,
  isRetryable: () => true,
};

/**
 * Signs in to Azure Managed Redis with tokens of Microsoft Entra ID: the user is the identity's object id, the password
 * is the token. Open connections sign in again before the token expires.
 *
 * @param log - receives a warning if a new token is refused or unavailable. The server then closes the connection when
 * the old token expires, and the next command opens another one.
 */
export function createEntraCredentials(credential: TokenCredential, log?: Logger): EntraidCredentialsProvider {
  return EntraIdCredentialsProviderFactory.createForDefaultAzureCredential({
    credential,
    scopes: REDIS_SCOPE_DEFAULT,
    tokenManagerConfig: { expirationRefreshRatio: REFRESH_RATIO, retry: RETRIES },
    onReAuthenticationError: ({ name }) => log?.warn(`A connection to Redis could not renew its sign-in (${name}).`),
  });
}
