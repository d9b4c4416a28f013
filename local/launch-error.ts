/** An error that the user can fix. Only its message is shown, without a stack trace. */
export class LaunchError extends Error {
  /** 2 for an invalid command line, 1 for everything else. */
  readonly exitCode: number;

  constructor(message: string, options: ErrorOptions & { readonly exitCode?: number } = {}) {
    super(message, options);
    this.name = 'LaunchError';
    this.exitCode = options.exitCode ?? 1;
  }
}
