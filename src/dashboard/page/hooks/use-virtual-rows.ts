import type { RefObject } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';

/** Extra rows on each side, so that fast scrolling shows no gaps. */
const ROWS_BEYOND = 6;

export interface VirtualRows {
  /** Rows to render: from `first` up to but not including `end`. */
  readonly first: number;
  readonly end: number;
  /** Number of rows that fit, at least 1. */
  readonly rowsInView: number;
  /** Scrolls a row into view by the shortest distance. */
  readonly scrollToRow: (index: number) => void;
}

/** Computes which rows of a scrolled list are in view. All rows have the same height. */
export function useVirtualRows(scroller: RefObject<HTMLElement | null>, rowCount: number, rowPx: number): VirtualRows {
  const [topRow, setTopRow] = useState(0);
  const [rowsInView, setRowsInView] = useState(40);
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const look = (): void => {
      setTopRow(Math.floor(element.scrollTop / rowPx));
      setRowsInView(Math.max(1, Math.floor(element.clientHeight / rowPx)));
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [scroller, rowPx]);
  const scrollToRow = useCallback(
    (index: number) => {
      const element = scroller.current;
      if (element === null) return;
      const topPx = index * rowPx;
      if (topPx < element.scrollTop) element.scrollTop = topPx;
      const bottomPx = topPx + rowPx;
      if (bottomPx > element.scrollTop + element.clientHeight) element.scrollTop = bottomPx - element.clientHeight;
    },
    [scroller, rowPx],
  );
  // A list that became shorter has not scrolled yet.
  const top = Math.min(topRow, Math.max(0, rowCount - rowsInView));
  return {
    first: Math.max(0, top - ROWS_BEYOND),
    end: Math.min(rowCount, top + rowsInView + 1 + ROWS_BEYOND),
    rowsInView,
    scrollToRow,
  };
}
