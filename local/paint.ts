const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export type Color = keyof typeof codes;

/** Gives text a colour, or leaves it as it is where nobody could see one. */
export type Paint = (color: Color, text: string) => string;

/** @param isColored - whether colour codes are added. */
export function createPaint(isColored: boolean): Paint {
  return (color, text) => (isColored ? `\u001B[${codes[color]}m${text}\u001B[0m` : text);
}
