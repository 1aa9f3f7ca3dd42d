/** One wrong field of a request, as problem+json names it. */
export type FieldProblem = { field?: string | null; value?: unknown; problem?: string; remedy?: string | null };

/** A refusal or failure of the server, or of the way to it, in words that can be shown. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly errors: FieldProblem[];
  readonly requestId: string | null;

  constructor(from: {
    status: number;
    code?: string;
    title?: string;
    detail?: string;
    errors?: FieldProblem[];
    requestId?: string | null;
  }) {
    super(from.detail ?? from.title ?? `Status ${from.status}`);
    this.name = "ApiProblem";
    this.status = from.status;
    this.code = from.code ?? "unknown";
    this.title = from.title ?? `The server answered ${from.status}`;
    this.detail = from.detail ?? "";
    this.errors = from.errors ?? [];
    this.requestId = from.requestId ?? null;
  }

  /** True when trying the same request again may succeed. */
  get transient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** Reads a problem+json body; anything else still gives a problem that names the status. */
export function toProblem(status: number, body: unknown, requestId: string | null): ApiProblem {
  if (typeof body !== "object" || body === null) {
    return new ApiProblem({ status, detail: text(body), requestId });
  }
  const b = body as Record<string, unknown>;
  const errors = Array.isArray(b.errors) ? (b.errors as FieldProblem[]) : [];
  return new ApiProblem({
    status,
    code: text(b.code),
    title: text(b.title),
    detail: text(b.detail),
    errors,
    requestId: text(b.request_id) ?? requestId,
  });
}

/** The server could not be reached at all. */
export function unreachable(): ApiProblem {
  return new ApiProblem({
    status: 0,
    code: "unreachable",
    title: "Tenure cannot be reached",
    detail: "The request got no answer. Check that the server runs and that this computer is connected.",
  });
}
