import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { shouldRetry, whenSignedOut } from "@/api/client";
import { SESSION } from "@/features/auth/queries";
import { router } from "./router";
import { theme } from "./theme";

const queries = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 30_000, retry: shouldRetry, refetchOnWindowFocus: true },
    // Without a connection a change fails at once and says so; waiting in silence, it could be sent twice.
    mutations: { networkMode: "always" },
  },
});
whenSignedOut(() => void queries.invalidateQueries({ queryKey: SESSION }));

export function App() {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  );
}
