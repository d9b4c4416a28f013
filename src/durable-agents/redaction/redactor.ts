/** Finds one kind of secret in text, as data: {@link Redaction} applies it to whole texts and to streams. */
export interface Redactor {
  /** Name of the kind: a secret is replaced with `[redacted:NAME]`. Letters, digits, `_` and `-`. */
  readonly name: string;
  /**
   * Matches a secret. It has the flag `u`, matches no empty text, and looks back and ahead by one character at most.
   * Flags `g` and `y` have no effect.
   */
  readonly pattern: RegExp;
  /**
   * Source of a pattern (flags `i` and `u`) that matches, at the end of a text, everything that may become a secret
   * when more text arrives. Also matches a complete secret that may still grow. A stream holds back the match.
   *
   * @default the last `maxLength` characters
   */
  readonly tail?: string;
  /** Without a `tail`: length of the longest secret, in UTF-16 code units, 1 to 4096. @default 256 */
  readonly maxLength?: number;
  /**
   * Source of a pattern (flags `i` and `u`) that matches, at the end of a text, the beginning of what can only be a
   * secret. It is replaced if the text ends there, or if the secret is longer than a stream can hold back.
   */
  readonly begun?: string;
  /** How much of a match is secret, in UTF-16 code units from its start; 0 if none of it is. @default all */
  readonly secretLength?: (match: string) => number;
}

export const DEFAULT_MAX_LENGTH = 256;
export const MAX_MAX_LENGTH = 4096;
