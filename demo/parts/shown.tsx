// The integers that a view shows, for programs that read the page.

export function Shown({ value }: { readonly value: unknown }) {
  return (
    <script type="application/json" id="shown">
      {JSON.stringify(value)}
    </script>
  );
}
