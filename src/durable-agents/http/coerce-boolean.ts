/** What a value means as a yes or no; strings: `true`, `1`, `yes`, `y`, `on` in any case are yes, all others no. */
export function coerceBoolean(value: unknown): boolean {
  switch (typeof value) {
    case 'boolean':
      return value;
    case 'number':
      return value !== 0;
    case 'string':
      return ['true', '1', 'yes', 'y', 'on'].includes(value.trim().toLowerCase());
    default:
      return false;
  }
}
