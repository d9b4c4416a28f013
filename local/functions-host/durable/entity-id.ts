/** Which entity: names differ without regard to case and are kept in lower case, keys are kept as they are. */
export interface EntityId {
  readonly name: string;
  readonly key: string;
}

const maxInstanceIdLength = 512;

/** The id of an entity in the task hub, by which its state is kept and lists are ordered. */
export function toInstanceId({ name, key }: EntityId): string {
  return `@${name.toLowerCase()}@${key}`;
}

/** Whether the real host can store the state of this entity; it accepts and runs operations of others, in vain. */
export function canBeStored(id: EntityId): boolean {
  return toInstanceId(id).length <= maxInstanceIdLength;
}

/** Whether the durable HTTP API accepts signals to an entity of this key. */
export function isValidKey(key: string): boolean {
  return !/[/\\#?\p{Cc}]/u.test(key);
}
