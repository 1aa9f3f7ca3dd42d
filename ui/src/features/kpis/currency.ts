import { createContext, useContext } from "react";

/** The one currency in which the program reports. */
export const Currency = createContext<string | null>(null);

export const useCurrency = (): string | null => useContext(Currency);
