/** Something the person at the keyboard can put right: its message is shown alone, without a stack. */
export class LaunchError extends Error {
  /** 2 for a command line that cannot be understood, 1 for everything else. */
  readonly exitCode: number;

  constructor(message: string, options: ErrorOptions & { readonly exitCode?: number } = {}) {
    super(message, options);
    this.name = 'LaunchError';
    this.exitCode = options.exitCode ?? 1;
  }
}
