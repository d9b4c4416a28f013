/** Returns whether a value has more levels of objects and lists than this. Very deep ones cannot be written as JSON. */
export function isDeeperThan(levels: number, value: unknown): boolean {
  let level = [value].filter(hasMembers);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === levels) return true;
    level = level.flatMap((outer) => Object.values(outer).filter(hasMembers));
  }
  return false;
}

function hasMembers(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
