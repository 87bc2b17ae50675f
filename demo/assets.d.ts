/** The ticket of a network (scripts/digits-ticket.ts): its file, compressed by gzip, in base64. */
declare module "*?ticket" {
  const base64: string;
  export default base64;
}
