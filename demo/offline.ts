// Keeps the page for use without a network. The built page has a service worker for that (scripts/offline.ts).

/** Milliseconds from the first picture until the rest of the page is loaded. */
const DELAY_MS = 5000;

/** Registers the service worker a while after the first picture, so that loading the other views does not delay it. */
export function keepOffline(): void {
  if (!IS_BUILT || !("serviceWorker" in navigator)) return;
  const observer = new PerformanceObserver((entries) => {
    if (!entries.getEntries().some(({ name }) => name === "picture")) return;
    observer.disconnect();
    setTimeout(() => {
      // A page that is opened as a file, or in a private window, goes on without one.
      navigator.serviceWorker.register("./offline.js").catch(() => {});
    }, DELAY_MS);
  });
  observer.observe({ type: "mark", buffered: true });
}
