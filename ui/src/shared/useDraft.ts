import { useState } from "react";

/** What is being written in a field whose settled value lives elsewhere (the address): follows it when it changes from outside. */
export function useDraft(settled: string): [string, (value: string) => void] {
  const [draft, setDraft] = useState(settled);
  const [known, setKnown] = useState(settled);
  if (known !== settled) {
    setKnown(settled);
    if (draft.trim() !== settled) setDraft(settled);
  }
  return [draft, setDraft];
}
