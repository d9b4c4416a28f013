/** A chat message as the model receives it, as far as the narration looks at it. */
export interface NarratedMessage {
  readonly role: string;
  readonly content?: string | readonly { readonly text?: string }[] | null;
}

/**
 * The offline model's answer: shows that the message arrived by quoting it, and that the conversation
 * is remembered by counting its turns and quoting the message before.
 *
 * @param messages - the whole conversation, the message to answer last.
 */
export function narrateOffline(messages: readonly NarratedMessage[]): string {
  const asked = messages.filter((message) => message.role === 'user');
  const turn = Math.max(asked.length, 1);
  const latest = messages.at(-1);
  const previous = asked.findLast((message) => message !== latest);
  const opening =
    previous === undefined
      ? 'Hello! Your message has arrived'
      : `Welcome back, this is turn ${turn} of our conversation: before, you wrote ${quote(previous)}, and now`;
  return [
    `${opening}: ${quote(latest)}`,
    'I am narrating while I answer: every few letters leave as one streaming update, your callback captures each of them, and now it captures the last.',
    `(Canned answer of the offline model, turn ${turn}; no real model was asked.)`,
  ].join(' ');
}

function quote(message: NarratedMessage | undefined): string {
  const content = message?.content ?? '';
  const text = typeof content === 'string' ? content : content.map((part) => part.text ?? '').join(' ');
  // Far more than is shown, and no more: the time that segmenting takes grows with the square of the length.
  const start = text.slice(0, 2000).replaceAll(/\s+/g, ' ').trim();
  const characters = Array.from(new Intl.Segmenter().segment(start), ({ segment }) => segment);
  const shown = characters.length > 120 ? `${characters.slice(0, 120).join('')}…` : characters.join('');
  return `“${shown}”`;
}
