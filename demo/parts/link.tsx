// A link to a view, which opens it without loading the page again.

import type { ComponentChildren } from "preact";
import { openView } from "../page.ts";
import type { ViewName } from "../views.ts";

interface ViewLinkProps {
  readonly name: ViewName;
  readonly class?: string;
  readonly isCurrent?: boolean;
  readonly children: ComponentChildren;
}

export function ViewLink({ name, isCurrent = false, children, ...rest }: ViewLinkProps) {
  return (
    <a
      {...rest}
      href={name === "digits" ? "?" : `?view=${name}`}
      aria-current={isCurrent ? "page" : undefined}
      onClick={(event) => {
        // The browser opens a tab or a window where the visitor asks for one.
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        void openView(name);
      }}
    >
      {children}
    </a>
  );
}

/** The last sentence of a view, which leads to the next one. */
export function Next({ name, children }: { readonly name: ViewName; readonly children: ComponentChildren }) {
  return (
    <p class="next" data-control>
      {children} <ViewLink name={name}>Go on</ViewLink>
    </p>
  );
}
