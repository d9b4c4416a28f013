import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { answerOf, isWaitingForApproval, type Run } from '../thread/run.js';
import type { Connection } from '../thread/thread-follower.js';
import type { ThreadState } from '../thread/thread-state.js';

const SPOKEN_CHARACTERS = 500;

export interface AnnouncerProps {
  readonly state: ThreadState;
  readonly connection: Connection;
}

/** Announces to screen readers when a run starts and ends, except runs that existed when the page opened. */
export function Announcer({ state, connection }: AnnouncerProps): VNode {
  const [text, setText] = useState('');
  const announced = useRef<string | undefined>(undefined);
  const run = state.runs.at(-1);
  const about =
    run === undefined ? '' : `${run.correlationId} ${run.outcome.status} ${run.attempt} ${isWaitingForApproval(run)}`;
  useEffect(() => {
    if (connection.state !== 'live') return;
    const isNew = announced.current !== undefined && announced.current !== about;
    announced.current = about;
    if (isNew && run !== undefined) setText(describe(run));
  }, [about, connection.state]);
  return html`<p class="for-screen-readers" role="status">${text}</p>`;
}

function describe(run: Run): string {
  if (isWaitingForApproval(run)) return `Run ${run.number} waits for approval.`;
  switch (run.outcome.status) {
    case 'streaming':
      return `Run ${run.number}: the answer ${run.attempt > 1 ? `restarts, attempt ${run.attempt}` : 'starts'}.`;
    case 'restarting':
      return `Run ${run.number} was interrupted and is starting over, attempt ${run.attempt}.`;
    case 'answered':
      return `Run ${run.number} was answered: ${answerOf(run).slice(0, SPOKEN_CHARACTERS)}`;
    case 'failed':
      return `Run ${run.number} failed: ${run.outcome.message}`;
  }
}
