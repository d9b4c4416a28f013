/** A message of a thread's stored conversation, with the wire names. */
export interface StoredMessage {
  readonly role: string;
  readonly text: string;
  /** ISO 8601. */
  readonly created_at?: string | null;
  readonly correlation_id?: string | null;
}

export interface ConversationPage {
  /** Oldest first. */
  readonly messages: readonly StoredMessage[];
  /** Cursor of the previous page; absent on the first page. */
  readonly before: string | undefined;
}
