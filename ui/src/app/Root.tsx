import { useQuery } from "@tanstack/react-query";
import { ApiProblem } from "@/api/problem";
import { sessionQuery, setupQuery } from "@/features/auth/queries";
import { SetUp } from "@/features/auth/SetUp";
import { SignIn } from "@/features/auth/SignIn";
import { setReader } from "@/shared/reader";
import { Problem, Skeleton } from "@/shared/ui/State";
import { Shell } from "./Shell";

/** Lets in whoever is signed in; everybody else gets the sign-in or, once, the first-run set-up. */
export function Root() {
  const session = useQuery(sessionQuery);
  const signedOut =
    session.error instanceof ApiProblem && (session.error.status === 401 || session.error.status === 403);
  const setup = useQuery({ ...setupQuery, enabled: signedOut });

  if (session.data && !signedOut) {
    const own = session.data.preferences;
    setReader(own);
    // Everything that writes a day or a figure is written anew when the reader's way of writing changes.
    return <Shell key={`${own.time_zone ?? ""} ${own.locale ?? ""}`} session={session.data} />;
  }
  if (session.error && !signedOut) {
    return (
      <main style={{ padding: 24 }}>
        <Problem error={session.error} retry={() => void session.refetch()} />
      </main>
    );
  }
  if (setup.data?.needed) return <SetUp />;
  if (signedOut && !setup.isPending) return <SignIn />;
  return (
    <main style={{ padding: 24 }} aria-busy="true">
      <Skeleton lines={6} height={20} />
    </main>
  );
}
