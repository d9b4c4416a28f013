/** Which store keeps events, and how it is reached. */
export type CallbackStoreSettings = MemoryStoreSettings | TableStoreSettings | RedisStoreSettings | CosmosStoreSettings;

export interface MemoryStoreSettings {
  readonly kind: 'memory';
  readonly maxThreads: number;
  readonly maxEventsPerThread: number;
  /** UTF-8 bytes of what is kept. */
  readonly maxBytes: number;
}

interface Retention {
  /** Events that are older are dropped. Absent: none. */
  readonly ttlDays?: number;
}

export interface TableStoreSettings extends Retention {
  readonly kind: 'table';
  readonly account:
    | { readonly connectionString: string }
    | {
        /** Address of the table service; a managed identity opens it. */
        readonly url: string;
        /** Of a user-assigned identity. */
        readonly clientId?: string;
      };
  readonly tableName: string;
}

export interface RedisStoreSettings extends Retention {
  readonly kind: 'redis';
  /** `redis://` or, with TLS, `rediss://`; with user and password unless `usesEntra`. */
  readonly url: string;
  /** Whether a managed identity signs in, with tokens of Microsoft Entra ID. @default false */
  readonly usesEntra?: boolean;
}

export interface CosmosStoreSettings extends Retention {
  readonly kind: 'cosmos';
  readonly endpoint: string;
  /** Absent: a managed identity opens it. */
  readonly key?: string;
  readonly database: string;
  readonly container: string;
}
