import type { RefObject } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

const NEAR_PX = 48;

export interface StickToEnd {
  /** Whether the end is in view. */
  readonly isAtEnd: boolean;
  readonly scrollToEnd: () => void;
  /** Stops following until the user scrolls to the end again. */
  readonly letGo: () => void;
}

/** Keeps an element scrolled to its end while it grows, unless the user scrolls away. */
export function useStickToEnd(element: RefObject<HTMLElement | null>): StickToEnd {
  const [isAtEnd, setIsAtEnd] = useState(true);
  const sticks = useRef(true);
  const scrollToEnd = useCallback(() => {
    sticks.current = true;
    setIsAtEnd(true);
    element.current?.scrollTo({ top: element.current.scrollHeight });
  }, [element]);
  const letGo = useCallback(() => {
    sticks.current = false;
  }, []);
  useEffect(() => {
    const target = element.current;
    if (target === null) return undefined;
    let lastTopPx = target.scrollTop;
    const look = (): void => {
      // Only scrolling up counts as scrolling away, not growth at the end.
      if (isEndNear(target)) sticks.current = true;
      else if (target.scrollTop < lastTopPx) sticks.current = false;
      lastTopPx = target.scrollTop;
      setIsAtEnd(sticks.current);
    };
    const follow = (): void => {
      if (sticks.current) target.scrollTop = target.scrollHeight;
    };
    const observer = new ResizeObserver(follow);
    observer.observe(target);
    target.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      target.removeEventListener('scroll', look);
    };
  }, [element]);
  useLayoutEffect(() => {
    const target = element.current;
    if (target === null) return;
    if (sticks.current) target.scrollTop = target.scrollHeight;
    else setIsAtEnd(isEndNear(target));
  });
  return { isAtEnd, scrollToEnd, letGo };
}

function isEndNear({ scrollHeight, clientHeight, scrollTop }: HTMLElement): boolean {
  return scrollHeight - clientHeight - scrollTop <= NEAR_PX;
}
