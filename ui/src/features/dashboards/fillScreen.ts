/** Asks for the whole screen; a browser that refuses still shows the wall in its window. */
export function fillScreen(): void {
  if (!document.fullscreenElement) void document.documentElement.requestFullscreen?.().catch(() => undefined);
}
