/**
 * Asks the host to run a timer function of its app. The function runs in the background and may still be running when
 * this resolves.
 *
 * @throws Error if the host does not accept the call
 */
export async function runTimer(baseUrl: string, name: string): Promise<void> {
  const answer = await fetch(`${baseUrl}/admin/functions/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"input":""}',
  });
  if (answer.status !== 202) throw new Error(`Expected status 202, got ${answer.status}: ${await answer.text()}`);
}
