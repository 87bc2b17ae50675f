/** The ticket of a network (scripts/digits-ticket.ts); its masks one after another, compressed by gzip, in base64. */
declare module "*?ticket" {
  const ticket: Omit<import("../src/ticket/ticket.ts").Ticket, "seed" | "masks"> & {
    readonly seed: string;
    readonly maskBytes: readonly number[];
    readonly masks: string;
  };
  export default ticket;
}
