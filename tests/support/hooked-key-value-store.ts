import type { CommitGuard, ValueAddress, ValueChange } from '../../src/storage/key-value-store.js';
import { MemoryKeyValueStore } from '../../src/storage/memory/memory-key-value-store.js';

type Method = 'read' | 'readMany' | 'commit';

/** Keeps values in memory. Awaits a hook before each read and commit. The call fails if the hook throws. */
export class HookedKeyValueStore extends MemoryKeyValueStore {
  readonly #hook: (method: Method) => unknown;

  constructor(hook: (method: Method) => unknown) {
    super();
    this.#hook = hook;
  }

  override async read(address: ValueAddress) {
    await this.#hook('read');
    return super.read(address);
  }

  override async readMany(partition: string, keys: readonly string[]) {
    await this.#hook('readMany');
    return super.readMany(partition, keys);
  }

  override async commit(partition: string, guard: CommitGuard, changes: readonly ValueChange[]) {
    await this.#hook('commit');
    return super.commit(partition, guard, changes);
  }
}
