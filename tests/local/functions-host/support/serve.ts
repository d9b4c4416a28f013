import { startLocalFunctionsHost } from '../../../../local/functions-host/index.js';

// The program of a host process. It serves the app in its first argument, with keys if the second is `keys`, reports to
// its parent process, and exits on request or when the parent is gone. The third argument is the journal folder.
const [appFolder = '', keys, journalFolder] = process.argv.slice(2);
const tell = (message: object): void => void process.send?.(message);

async function main(): Promise<void> {
  const host = await startLocalFunctionsHost({
    appFolder,
    port: 0,
    keys: keys === 'keys',
    ...(journalFolder ? { journalFolder } : {}),
    log: (entry) => tell({ kind: 'log', entry }),
  });
  const end = (): void => void host.close().then(() => process.disconnect());
  process.once('message', end);
  process.once('disconnect', () => process.exit());
  tell({ kind: 'ready', port: host.port, functions: host.functions, keys: host.keys, found: host.found });
}

main().catch((error: unknown) => {
  tell({ kind: 'failed', reason: String(error) });
  process.exit(1);
});
