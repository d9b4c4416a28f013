import { type DurableClientInput, input } from 'durable-functions';

/** The input that a function needs which looks at threads: one of its `extraInputs`. */
export function durableClientInput(): DurableClientInput {
  return input.durableClient();
}
