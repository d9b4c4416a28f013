/** The service of an event store is not as it has to be: the message says what to do, and holds no key or address. */
export class StoreSetupError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StorageSetupError';
  }
}
