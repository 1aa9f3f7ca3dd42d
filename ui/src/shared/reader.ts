/** The reader's own zone and way of writing, as they set them; where they did not, the browser's. */
let zone: string | undefined;
let locale: string | undefined;
const forget: (() => void)[] = [];

/** Takes over what the reader set. Whatever keeps formats registers to forget them. */
export function setReader(next: { time_zone: string | null; locale: string | null }): void {
  zone = next.time_zone ?? undefined;
  locale = next.locale ?? undefined;
  for (const f of forget) f();
}

export const readerZone = (): string | undefined => zone;
export const readerLocale = (): string | undefined => locale;
export const onReaderChange = (f: () => void): void => void forget.push(f);
