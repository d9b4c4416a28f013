/** The service that stores values, and its connection. */
export type StoreSettings = { readonly kind: 'memory' } | ServiceSettings;

/** A service that several processes share. */
export type ServiceSettings = TableStoreSettings | RedisStoreSettings | CosmosStoreSettings;

export interface TableStoreSettings {
  readonly kind: 'table';
  readonly account:
    | { readonly connectionString: string }
    | {
        /** URL of the table service. The app signs in with a managed identity. */
        readonly url: string;
        /** Client id of a user-assigned identity. */
        readonly clientId?: string;
      };
  /** 3 to 63 letters and digits, beginning with a letter. */
  readonly tableName: string;
  /** A table that is used instead if it exists, with a warning: the default of earlier versions. Optional. */
  readonly formerTableName?: string;
}

export interface RedisStoreSettings {
  readonly kind: 'redis';
  /** `redis://` or, with TLS, `rediss://`; with user and password unless `usesEntra`. */
  readonly url: string;
  /** Whether to sign in with a managed identity. @default false */
  readonly usesEntra?: boolean;
  /** Prefix of all keys. @default 'callbacks:' */
  readonly keyPrefix?: string;
}

export interface CosmosStoreSettings {
  readonly kind: 'cosmos';
  readonly endpoint: string;
  /** Undefined: signs in with a managed identity. */
  readonly key?: string;
  readonly database: string;
  readonly container: string;
  /** A container that is used instead if it exists and is usable, with a warning. Optional. */
  readonly formerContainer?: string;
}
