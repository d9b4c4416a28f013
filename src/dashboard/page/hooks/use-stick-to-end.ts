import type { RefObject } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

const NEAR_PX = 48;

export interface StickToEnd {
  /** Whether the end is in view and the element follows it. */
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
    setIsAtEnd(false);
  }, []);
  useEffect(() => {
    const target = element.current;
    if (target === null) return undefined;
    let lastTopPx = target.scrollTop;
    const look = (): void => {
      const restPx = target.scrollHeight - target.clientHeight - target.scrollTop;
      // Only scrolling up counts as scrolling away, not growth at the end.
      if (restPx <= NEAR_PX) sticks.current = true;
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
    if (target !== null && sticks.current) target.scrollTop = target.scrollHeight;
  });
  return { isAtEnd, scrollToEnd, letGo };
}
