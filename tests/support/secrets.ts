import * as fc from 'fast-check';

const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const lower = upper.toLowerCase();
const digits = '0123456789';

const of = (characters: string, minLength: number, maxLength = minLength): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...Array.from(characters)), minLength, maxLength });

const grouped = (text: string, size: number, separator: string): string =>
  (text.match(new RegExp(`.{1,${size}}`, 'g')) ?? []).join(separator);

const card = fc.tuple(of(digits, 15), fc.constantFrom('', ' ', '-')).map(([head, separator]) => {
  const checkDigit = Array.from(digits).find((digit) => luhnSum(head + digit) % 10 === 0) ?? '';
  return grouped(head + checkDigit, 4, separator);
});

function luhnSum(number: string): number {
  return Array.from(number)
    .toReversed()
    .map((digit, index) => Number(digit) * (1 + (index % 2)))
    .reduce((sum, value) => sum + (value > 9 ? value - 9 : value), 0);
}

const iban = fc
  .tuple(of(upper, 2), of(upper + digits, 11, 26), fc.constantFrom('', ' '))
  .map(([country, account, separator]) => {
    const value = Array.from(`${account}${country}00`, (character) => Number.parseInt(character, 36)).join('');
    const check = String(98n - (BigInt(value) % 97n)).padStart(2, '0');
    return grouped(`${country}${check}${account}`, 4, separator);
  });

const email = fc
  .tuple(
    of(lower + digits + '._-', 0, 20),
    of(lower, 1),
    of(lower + digits, 1, 15),
    fc.constantFrom('com', 'org', 'co.uk'),
  )
  .map(([start, end, host, domain]) => `${start}${end}@${host}.${domain}`);

const phone = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('+', '00'),
      fc.constantFrom('49', '1', '33'),
      of(digits, 9, 11),
      fc.constantFrom('', ' ', '-'),
    )
    .map(([prefix, country, number, separator]) => `${prefix}${country}${separator}${grouped(number, 3, separator)}`),
  fc
    .tuple(of(digits, 3), of(digits, 3), of(digits, 4), fc.constantFrom(' ', '-', '.'))
    .map(([area, exchange, line, separator]) => [area, exchange, line].join(separator)),
);

const base64Url = upper + lower + digits + '_-';
const jwt = fc
  .tuple(of(base64Url, 10, 80), of(base64Url, 10, 200), of(base64Url, 0, 90))
  .map(([header, payload, signature]) => `eyJ${header}.eyJ${payload}.${signature}`);

const apiKey = fc.oneof(
  fc
    .tuple(fc.constantFrom('sk-', 'sk-proj-', 'ghp_', 'xoxb-', 'hf_', 'sk_live_'), of(digits, 1), of(base64Url, 20, 60))
    .map((parts) => parts.join('')),
  of(upper + digits, 15).map((rest) => `AKIA7${rest}`),
  fc.tuple(of(upper + lower + digits, 52), of(upper + lower + digits, 26)).map(([one, two]) => `${one}JQQJ99${two}`),
  fc.tuple(of(digits, 1), of(upper + lower + digits + '+/', 84)).map(([one, rest]) => `A${one}${rest}==`),
);

const connectionString = fc
  .tuple(of(lower, 3, 24), of(upper + lower + digits + '+/', 86))
  .chain(([name, key]) =>
    fc.constantFrom(
      `DefaultEndpointsProtocol=https;AccountName=${name};AccountKey=${key}==;EndpointSuffix=core.windows.net`,
      `Endpoint=sb://${name}.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey=${key}=`,
      `AccountEndpoint=https://${name}.documents.azure.com:443/;AccountKey=${key}==;`,
    ),
  );

/** Random secrets of each kind that has a built-in redactor. */
export const secretsByKind = {
  email,
  phone,
  card,
  iban,
  jwt,
  api_key: apiKey,
  azure_connection_string: connectionString,
} as const;

/** A random secret of any kind. */
export const anySecret = fc.oneof(...Object.values(secretsByKind));

/** A text with some secrets between words. */
export const textWithSecrets = fc
  .array(fc.tuple(fc.constantFrom('Call', 'my key:', '(see', 'Grüße,', 'in 2026', '🌞', 'a\n'), anySecret), {
    minLength: 1,
    maxLength: 4,
  })
  .map((pairs) => ({
    text: `${pairs.map(([word, secret]) => `${word} ${secret}`).join(' ')} .`,
    secrets: pairs.map(([, secret]) => secret),
  }));

/** Where to cut a text. */
export const cuts = fc.array(fc.nat(), { maxLength: 40 });

/** The text split at these positions. */
export function cutAt(text: string, places: readonly number[]): string[] {
  const sorted = [0, ...places.map((place) => place % (text.length + 1)).toSorted((a, b) => a - b), text.length];
  return sorted.slice(1).map((end, index) => text.slice(sorted[index], end));
}
