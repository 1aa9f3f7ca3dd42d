import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "./schema";
import type { Answered } from "./types";
import { ApiProblem, toProblem, unreachable } from "./problem";

let csrf = "";
let onSignedOut: () => void = () => undefined;

/** Remembers the session's anti-forgery value, which every changing request carries. */
export function setCsrf(value: string): void {
  csrf = value;
}

/** Says what to do when the server no longer knows the session. */
export function whenSignedOut(handler: () => void): void {
  onSignedOut = handler;
}

const guard: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET" && csrf !== "") request.headers.set("x-csrf-token", csrf);
    return request;
  },
  onError() {
    return unreachable();
  },
};

/** The typed client; answers other than 2xx are thrown by `take`. */
export const api = createClient<paths>({ baseUrl: "", credentials: "same-origin" });
api.use(guard);

/** Takes the data out of an answer, or throws the problem that the server described. */
export async function take<T>(
  answer: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<Answered<T>> {
  const { data, error, response } = await answer;
  if (response.ok) return data as Answered<T>;
  if (response.status === 401 && !response.url.endsWith("/session")) onSignedOut();
  throw toProblem(response.status, error, response.headers.get("x-request-id"));
}

/** Repeats only what can succeed when repeated, and not for long. */
export function shouldRetry(failures: number, error: unknown): boolean {
  return failures < 2 && error instanceof ApiProblem && error.transient && error.status !== 429;
}
