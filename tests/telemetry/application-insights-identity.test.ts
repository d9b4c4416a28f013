import { execFileSync } from 'node:child_process';
import { afterEach, expect, it, vi } from 'vitest';
import { startApplicationInsightsReceiver } from '../support/application-insights-receiver.js';
import { startIdentityServerForTest } from '../support/identity-server.js';
import { content, finishChunk } from '../support/model-chunks.js';
import { streamed } from '../support/model-server.js';
import { forgetSdk, tracedRun, withTelemetry } from '../support/received-telemetry.js';
import { createRecordingLog } from '../support/recording-log.js';

const clientId = '99999999-2222-3333-4444-555555555555';
const connectionString =
  'InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint=https://example.invalid/';

afterEach(() => {
  vi.unstubAllEnvs();
  forgetSdk();
});

/** Tokens are only sent over TLS, so the receiver needs a certificate. */
function selfSigned(): string {
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1';
  const options = [...request.split(' '), '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', '-', '-out', '-'];
  return execFileSync('openssl', options, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

it('telemetry signs in to Application Insights with the managed identity of the client id', async () => {
  vi.stubEnv('APPLICATION_INSIGHTS_NO_STATSBEAT', 'true');
  const certificate = selfSigned();
  const identity = await startIdentityServerForTest('another-id', () => ({
    token: 'a-token',
    expiresInSeconds: 86_400,
  }));
  const receiver = await startApplicationInsightsReceiver(certificate);
  await withTelemetry(
    { applicationInsights: { connectionString, identityClientId: clientId } },
    createRecordingLog(),
    (telemetry) => tracedRun(streamed([content('Sunny.'), finishChunk()]), telemetry),
    { host: receiver.host, tlsOptions: { ca: certificate } },
  );
  expect(identity.requests[0]).toMatchObject({ resource: 'https://monitor.azure.com', clientId });
  expect([...receiver.authorizations]).toEqual(['Bearer a-token']);
  expect(receiver.envelopes.length).toBeGreaterThan(0);
});
