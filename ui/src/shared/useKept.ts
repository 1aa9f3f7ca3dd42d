import { useCallback, useState } from "react";

const PREFIX = "tenure.typed.";

/**
 * What is typed and not yet with the server. It outlives a lost connection and a closed window, because it is kept in the browser until
 * `clear` says that it has arrived.
 */
export function useKept(key: string): [string | null, (value: string) => void, () => void] {
  const name = PREFIX + key;
  const [held, setHeld] = useState<{ name: string; value: string | null }>(() => ({ name, value: read(name) }));
  if (held.name !== name) setHeld({ name, value: read(name) });
  const keep = useCallback(
    (value: string) => {
      setHeld({ name, value });
      try {
        localStorage.setItem(name, value);
      } catch {
        // A browser without room still holds it as long as the page is open.
      }
    },
    [name],
  );
  const clear = useCallback(() => {
    setHeld({ name, value: null });
    localStorage.removeItem(name);
  }, [name]);
  return [held.value, keep, clear];
}

function read(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
