// azd runs this after a deployment: it fetches the function key and checks the running app.
const { execFileSync, spawnSync } = require('node:child_process');
const path = require('node:path');

async function main() {
  const url = setting('SERVICE_API_URI');
  const site = [
    `/subscriptions/${setting('AZURE_SUBSCRIPTION_ID')}/resourceGroups/${setting('AZURE_RESOURCE_GROUP')}`,
    `/providers/Microsoft.Web/sites/${setting('SERVICE_API_NAME')}`,
  ].join('');
  const key = await readFunctionKey(site);
  const projectFolder = path.resolve(__dirname, '../..');
  const { status, error } = spawnSync(process.execPath, ['dist/local/smoke/smoke.js', url], {
    cwd: projectFolder,
    stdio: 'inherit',
    // Not on the command line, which every process of the machine may read.
    env: { ...process.env, FUNCTION_KEY: key },
  });
  if (error) throw error;
  if (status !== 0) {
    process.exitCode = status ?? 1;
    return;
  }
  console.log(`\nOpen ${url}/api/dashboard. It asks for the function key; print it with`);
  console.log(
    `az functionapp keys list --resource-group ${setting('AZURE_RESOURCE_GROUP')} --name ${setting('SERVICE_API_NAME')} --query functionKeys.default --output tsv`,
  );
}

async function readFunctionKey(site) {
  const { token } = JSON.parse(execFileSync('azd', ['auth', 'token', '--output', 'json'], { encoding: 'utf8' }));
  const response = await fetch(`https://management.azure.com${site}/host/default/listKeys?api-version=2024-04-01`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  });
  if (!response.ok) throw new Error(`Azure answered ${response.status} to the request for the function key.`);
  return (await response.json()).functionKeys.default;
}

function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set. Run azd provision first.`);
  return value;
}

void main();
