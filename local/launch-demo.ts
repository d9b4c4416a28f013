import path from 'node:path';
import { launch, type LaunchSurroundings } from './launch.js';
import { createDemoPrinter } from './watch/demo-text.js';

/**
 * Starts this package's app on a free port with the offline model. Nothing is stored, and the launch prints only problems.
 *
 * @param settings - settings that override the environment. @default none
 * @returns the app's base URL
 */
export async function launchDemo(
  { printer, shutdown }: Pick<LaunchSurroundings, 'printer' | 'shutdown'>,
  settings: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { port } = await launch(
    {
      help: false,
      port: 0,
      host: 'local',
      model: 'offline',
      keys: false,
      app: undefined,
      ephemeral: true,
      data: undefined,
    },
    {
      packageFolder: path.resolve(__dirname, '..', '..'),
      environment: process.env,
      settings,
      printer: createDemoPrinter(printer),
      shutdown,
    },
  );
  return `http://localhost:${port}`;
}
