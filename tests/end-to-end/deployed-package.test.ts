import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { readCombinations } from '../infra/snapshot.js';
import { launchApp } from '../local/support/launched.js';
import { startAzuriteTableServer } from '../support/azurite-table-server.js';
import { serveIdentityForTest, unsignedToken } from '../support/identity-server.js';
import { isProgramMissing } from '../support/is-program-missing.js';
import { startScriptedModel } from '../support/scripted-model.js';

const OPENSSL = '/usr/bin/openssl';
const isOpensslMissing = isProgramMissing(OPENSSL);
const run = promisify(execFile);
const projectFolder = path.resolve(__dirname, '../..');

const CLIENT_ID = '7d1e7f1c-3c86-4a0f-9b0a-0d4c4f2f6a11';
const hour = 3600;

async function makeFolder(name: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), `${name}-`));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

async function makeCertificate(): Promise<{ readonly certificate: string; readonly key: string }> {
  const folder = await makeFolder('certificate');
  const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'certificate.pem')];
  const request = 'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1';
  await run(OPENSSL, [...request.split(' '), '-keyout', key, '-out', certificate]);
  return { certificate, key };
}

/** A token that Azurite accepts: from a known issuer, valid now, for the requested audience. */
function entraToken(audience: string): string {
  const now = Math.floor(Date.now() / 1000);
  return unsignedToken({
    aud: audience,
    iss: 'https://sts.windows.net/test-tenant/',
    iat: now - 60,
    nbf: now - 60,
    exp: now + hour,
    ver: '1.0',
  });
}

/** The application settings that the template writes for a store, without values that only a deployment knows. */
function templateSettings(environmentName: string): Record<string, string> {
  const environment = readCombinations().find(({ name }) => name === environmentName);
  const settings = environment?.only('Web/sites/config').properties as Record<string, string>;
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => !value.startsWith('[')));
}

it.skipIf(isOpensslMissing)(
  'passes the smoke test as the template deploys it: unpacked package, managed identity, tables over https (needs /usr/bin/openssl)',
  { timeout: 240_000 },
  async () => {
    const [folder, tls] = await Promise.all([makeFolder('deployed'), makeCertificate()]);
    const program = path.join(projectFolder, 'dist/local/package/package-app.js');
    await run(process.execPath, [program, '--folder', folder]);
    expect(await readdir(folder)).toContain('host.json');

    const [tables, model, identity] = await Promise.all([
      startAzuriteTableServer({ tls }),
      startScriptedModel(() => ({ pieces: ['A short ', 'sentence.'] })),
      serveIdentityForTest(CLIENT_ID, () => ({
        token: entraToken('https://storage.azure.com'),
        expiresInSeconds: hour,
      })),
    ]);
    onTestFinished(async () => {
      await Promise.all([tables.close(), model.close()]);
    });
    const settings = templateSettings('table-storage-public');
    expect(settings).toMatchObject({ CALLBACK_STORE: 'table', AzureWebJobsStorage__credential: 'managedidentity' });
    const launched = launchApp(
      ['--host', 'local', '--model', 'azure', '--ephemeral', '--keys', '--port', '0', '--app', folder],
      {
        ...settings,
        ...identity.environment,
        AzureWebJobsStorage__clientId: CLIENT_ID,
        AzureWebJobsStorage__tableServiceUri: `https://127.0.0.1:${tables.port}/${tables.newAccount().name}`,
        AZURE_OPENAI_ENDPOINT: model.endpoint,
        NODE_EXTRA_CA_CERTS: tls.certificate,
      },
    );
    const output = await launched.printed('Ctrl-C');
    const base = /^listening (\S+)$/m.exec(output)?.[1] ?? '';
    const key = /^ +function +(\S+)$/m.exec(output)?.[1] ?? '';

    const smoke = launchApp([base, key], {}, 'smoke');
    await smoke.printed('ok  reset');
    expect(await smoke.ended).toBe(0);

    const asked = new Set(identity.requests.map(({ resource, clientId }) => `${clientId} ${resource}`));
    expect(asked).toEqual(
      new Set([`${CLIENT_ID} https://storage.azure.com`, `${CLIENT_ID} https://cognitiveservices.azure.com`]),
    );
    expect(model.requests.map(({ headers }) => 'api-key' in headers)).not.toContain(true);
  },
);
