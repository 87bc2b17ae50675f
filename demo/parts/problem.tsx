// A sentence about something wrong.

export function Problem({ text, id }: { readonly text: string; readonly id?: string }) {
  return (
    <p class="problem" role="alert" {...(id !== undefined && { id })}>
      {text}
    </p>
  );
}
