import type { paths as Used } from "./paths";
import type { paths as Served } from "./schema";

/** The methods that the server's own document declares at an address. */
type Methods<Address> = { [M in keyof Address]-?: [Address[M]] extends [undefined] ? never : M }[keyof Address];

/** What the browser calls and the server does not declare, as "address method". */
type Unserved = {
  [P in keyof Used]: P extends keyof Served
    ? `${P} ${Exclude<keyof Used[P], Methods<Served[P]>> & string}`
    : `${P} (no such address)`;
}[keyof Used];

/** Does not compile as soon as the browser calls what the server does not have; the error names it. */
export const unserved: [Unserved] extends [never] ? true : Unserved = true;
