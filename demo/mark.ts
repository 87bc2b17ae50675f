// The time of the first computed picture.

/** Marks that a picture was drawn. Only the first one counts. */
export function markPicture(): void {
  if (performance.getEntriesByName("picture").length === 0) performance.mark("picture");
}
