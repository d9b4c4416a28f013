import { useEffect, useState } from 'preact/hooks';
import type { ThreadAddress } from '../api/thread-source.js';
import { HOME_HREF, NEW_THREAD_HREF, threadHref } from '../route.js';
import type { ListedThread } from './use-thread-list.js';

/** Keys that work while no field has the focus. */
export const SHORTCUTS = [
  ['/', 'Search threads'],
  ['n', 'New thread'],
  ['o', 'Overview'],
  ['j', 'Next thread'],
  ['k', 'Previous thread'],
  ['?', 'Show these keys'],
] as const;

export interface Shortcuts {
  readonly isHelpShown: boolean;
  readonly hideHelp: () => void;
}

/** Handles the page's keyboard shortcuts. */
export function useShortcuts(threads: readonly ListedThread[] = [], open: ThreadAddress | undefined): Shortcuts {
  const [isHelpShown, setIsHelpShown] = useState(false);
  useEffect(() => {
    const step = (by: number): void => {
      const index = threads.findIndex(
        ({ thread_id: id, agentName }) => id === open?.threadId && agentName === open.agentName,
      );
      const next = threads[index === -1 ? 0 : index + by];
      if (next !== undefined) location.hash = threadHref({ agentName: next.agentName, threadId: next.thread_id });
    };
    const actions: Readonly<Record<string, () => void>> = {
      '/': () => document.querySelector<HTMLElement>('#thread-search')?.focus(),
      n: () => {
        location.hash = NEW_THREAD_HREF;
      },
      o: () => {
        location.hash = HOME_HREF;
      },
      j: () => step(1),
      k: () => step(-1),
      '?': () => setIsHelpShown(true),
    };
    const onKeyDown = (event: KeyboardEvent): void => {
      const { target, key } = event;
      const isTyping = target instanceof Element && target.closest('input, textarea, select, dialog') !== null;
      const action = actions[key];
      if (action === undefined || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      action();
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, [threads, open?.agentName, open?.threadId]);
  return { isHelpShown, hideHelp: () => setIsHelpShown(false) };
}
