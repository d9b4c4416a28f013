import type { Redactor } from './redactor.js';

/*
 * Each `tail` must match every beginning of what its `pattern` matches, and a whole match without the character after
 * it. It may match more: that only holds text back for longer.
 */

const notInWord = '(?<![\\p{L}\\p{N}])';
const notBeforeWord = '(?![\\p{L}\\p{N}])';

/** Letters of e-mail addresses: ASCII and Latin with accents. Texts in scripts without spaces are not held back. */
const letter = 'A-Za-z\\u00C0-\\u024F';
const mailbox = `${letter}0-9._%+'-`;

const email: Redactor = {
  name: 'email',
  pattern: new RegExp(
    `(?<![${mailbox}])[${mailbox}]{1,64}@(?:[${letter}0-9-]{1,63}\\.){1,8}(?:xn--[A-Za-z0-9-]{2,59}|[${letter}]{2,24})`,
    'u',
  ),
  tail: `(?<![${mailbox}])[${mailbox}]{1,64}(?:@[${letter}0-9.-]{0,600})?`,
};

const betweenDigits = '[ .()/\\u00A0\\u2011-]';

/** International numbers, with + or 00, and those of North America with their separators. */
const phone: Redactor = {
  name: 'phone',
  pattern: new RegExp(
    `(?<![\\p{L}\\p{N}+])(?:(?:\\+|00)[1-9](?:${betweenDigits}{0,2}\\d){7,14}` +
      `|(?:1[ .-])?(?:\\(\\d{3}\\) ?|\\d{3}[ .-])\\d{3}[ .-]\\d{4})${notBeforeWord}`,
    'u',
  ),
  tail: `(?<![\\p{L}\\p{N}+])(?:\\+|\\(|\\d)[\\d .()/\\u00A0\\u2011-]{0,46}`,
};

/** Numbers of payment cards, without separators or in the groups printed on cards. */
const card: Redactor = {
  name: 'card',
  pattern: new RegExp(
    `${notInWord}(?:\\d{13,19}|\\d{4}([ -])\\d{4}\\1\\d{4}\\1\\d{1,7}|\\d{4}([ -])\\d{6}\\2\\d{4,5})${notBeforeWord}`,
    'u',
  ),
  tail: `${notInWord}\\d[\\d -]{0,24}`,
  secretLength: (match) => (passesLuhn(match) ? match.length : 0),
};

const iban: Redactor = {
  name: 'iban',
  pattern: new RegExp(`${notInWord}[A-Z]{2}\\d{2}(?:[ -]?[A-Z0-9]){11,30}${notBeforeWord}`, 'iu'),
  tail: `${notInWord}(?:[A-Z]{1,2}|[A-Z]{2}\\d|[A-Z]{2}\\d{2}(?:[ -]?[A-Z0-9]){0,30}[ -]?)`,
  secretLength: ibanLength,
};

const token = '[A-Za-z0-9_-]';

const jwt: Redactor = {
  name: 'jwt',
  pattern: new RegExp(`(?<!${token})eyJ${token}{5,}(?:\\.${token}*){1,4}`, 'u'),
  tail: `(?<!${token})(?:ey?|eyJ[A-Za-z0-9_.-]*)`,
  begun: `(?<!${token})eyJ[A-Za-z0-9_.-]{8,}`,
};

/** Prefixes of keys of well-known services. */
const KEY_PREFIXES =
  'sk- sk_live_ sk_test_ rk_live_ rk_test_ AIza SG. ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- npm_ hf_ xoxa- xoxb- xoxp- xoxr- xoxs- xapp-'.split(
    ' ',
  );
const keyPrefix = `(?:${KEY_PREFIXES.map(escaped).join('|')})`;
const keyCharacter = '[A-Za-z0-9_.-]';

/** Keys of well-known services by their prefix; keys of Azure services by their form. */
const apiKey: Redactor = {
  name: 'api_key',
  pattern: new RegExp(
    `${notInWord}(?:${keyPrefix}${keyCharacter}{12,}|(?:AKIA|ASIA)[A-Z0-9]{16}` +
      `|[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26}|[A-Za-z0-9+/]{86}==)${notBeforeWord}`,
    'u',
  ),
  // Up to 86 letters and digits may be any of the forms, or the beginning of a prefix.
  tail: `${notInWord}(?:[A-Za-z0-9+/]{1,86}={0,2}|${beginnings(KEY_PREFIXES)}|${keyPrefix}${keyCharacter}*)`,
  begun: `${notInWord}(?=${keyPrefix})(?=${keyCharacter}*\\d)${keyCharacter}{12,}`,
  // A word with a hyphen may begin like a key, but keys contain digits.
  secretLength: (match) => (/\d/.test(match) ? match.length : 0),
};

/** Parts of Azure's connection strings and signed URLs. */
const CONNECTION_PARTS = [
  'DefaultEndpointsProtocol=',
  'BlobEndpoint=',
  'QueueEndpoint=',
  'TableEndpoint=',
  'FileEndpoint=',
  'Endpoint=',
  'AccountEndpoint=',
  'AccountName=',
  'AccountKey=',
  'HostName=',
  'SharedAccessKeyName=',
  'SharedAccessKey=',
  'SharedAccessSignature=',
  'InstrumentationKey=',
  'sig=',
];
const connectionPart = `(?:${CONNECTION_PARTS.map(escaped).join('|')})`;
const keyPart = '(?:AccountKey|SharedAccessKey|SharedAccessSignature|InstrumentationKey|sig)=';
const connectionCharacter = '[^\\s"\'`<>]';
const connectionSecret = new RegExp(`${keyPart}[^;\\s]{8,}`, 'i');

const azureConnectionString: Redactor = {
  name: 'azure_connection_string',
  pattern: new RegExp(`${notInWord}${connectionPart}${connectionCharacter}+`, 'iu'),
  tail: `${notInWord}(?:${beginnings(CONNECTION_PARTS)}|${connectionPart}${connectionCharacter}*)`,
  begun: `${notInWord}(?=${connectionPart})(?=${connectionCharacter}*${keyPart})${connectionCharacter}+`,
  secretLength: (match) => (connectionSecret.test(match) ? match.length : 0),
};

/** The redactors that come with the app, by name. */
export const builtInRedactors = {
  email,
  phone,
  card,
  iban,
  jwt,
  api_key: apiKey,
  azure_connection_string: azureConnectionString,
} as const satisfies Readonly<Record<string, Redactor>>;

export type BuiltInRedactor = keyof typeof builtInRedactors;

/** Verifies the check digit of a payment card (ISO/IEC 7812). */
function passesLuhn(match: string): boolean {
  let sum = 0;
  const digits = match.replaceAll(/\D/g, '');
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
    sum += index % 2 === 0 ? digit : doubled;
  }
  return sum % 10 === 0;
}

/**
 * Verifies the check digits of an account number (ISO 13616). Words may follow a number in groups, so the longest valid
 * prefix counts.
 */
function ibanLength(match: string): number {
  for (let length = match.length; length >= 15; length -= 1) {
    const isEndOfGroup = length === match.length || /^[ -]/.test(match.slice(length));
    if (isEndOfGroup && !/[ -]$/.test(match.slice(0, length)) && passesMod97(match.slice(0, length))) return length;
  }
  return 0;
}

function passesMod97(match: string): boolean {
  const compact = match.replaceAll(/[ -]/g, '').toUpperCase();
  if (compact.length < 15) return false;
  let remainder = 0;
  for (const character of compact.slice(4) + compact.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1;
}

/** Returns the source of a pattern that matches each proper prefix of the words. */
function beginnings(words: readonly string[]): string {
  const all = words.flatMap((word) => Array.from(word, (_, index) => word.slice(0, index + 1)).slice(0, -1));
  return [...new Set(all)].map(escaped).join('|');
}

function escaped(text: string): string {
  return text.replaceAll(/[.+*?^${}()|[\]\\/]/g, String.raw`\$&`);
}
