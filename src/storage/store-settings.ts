/** The service that keeps values, and how to reach it. */
export type StoreSettings = { readonly kind: 'memory' } | ServiceSettings;

/** A service that several processes share. */
export type ServiceSettings = TableStoreSettings | RedisStoreSettings | CosmosStoreSettings;

export interface TableStoreSettings {
  readonly kind: 'table';
  readonly account:
    | { readonly connectionString: string }
    | {
        /** Address of the table service. A managed identity signs in. */
        readonly url: string;
        /** Of a user-assigned identity. */
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
  /** Whether a managed identity signs in, with tokens of Microsoft Entra ID. @default false */
  readonly usesEntra?: boolean;
  /** What all keys begin with. @default 'callbacks:' */
  readonly keyPrefix?: string;
}

export interface CosmosStoreSettings {
  readonly kind: 'cosmos';
  readonly endpoint: string;
  /** Undefined: a managed identity signs in. */
  readonly key?: string;
  readonly database: string;
  readonly container: string;
  /** A container that is used instead if it exists and can be used, with a warning. Optional. */
  readonly formerContainer?: string;
}
