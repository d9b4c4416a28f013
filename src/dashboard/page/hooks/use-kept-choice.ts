import { useCallback, useState } from 'preact/hooks';

/** Like `useState` for one of several choices, but remembers the choice in this browser. */
export function useKeptChoice<Choice extends string>(
  name: string,
  choices: readonly Choice[],
  initial: Choice,
): [Choice, (choice: Choice) => void] {
  const [choice, setChoice] = useState(() => choices.find((each) => each === localStorage.getItem(name)) ?? initial);
  const choose = useCallback(
    (chosen: Choice) => {
      localStorage.setItem(name, chosen);
      setChoice(chosen);
    },
    [name],
  );
  return [choice, choose];
}
