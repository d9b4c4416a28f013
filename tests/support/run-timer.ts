/**
 * Runs a timer function of an app, as its host does on request.
 *
 * @throws if the host does not accept it. It runs after this resolves
 */
export async function runTimer(baseUrl: string, name: string): Promise<void> {
  const answer = await fetch(`${baseUrl}/admin/functions/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"input":""}',
  });
  if (answer.status !== 202) throw new Error(`Expected status 202, got ${answer.status}: ${await answer.text()}`);
}
