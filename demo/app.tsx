// The frame of the page: the bar with the views, and the open view.

import { useLayoutEffect } from "preact/hooks";
import { ViewLink } from "./parts/link.tsx";
import { Problem } from "./parts/problem.tsx";
import { Share } from "./parts/share.tsx";
import { page } from "./page.ts";
import { titles, viewNames, type ViewName } from "./views.ts";

export function App() {
  const { open, problems, failure, inputs } = page;
  const shown = open.value;
  const { embed } = inputs.value;
  useLayoutEffect(() => {
    document.body.toggleAttribute("data-embed", embed);
  }, [embed]);
  return (
    <>
      {!embed && <Bar current={shown?.name} />}
      {failure.value && (
        <p class="problem" role="alert">
          {failure.value}
        </p>
      )}
      {Object.entries(problems.value).map(([name, text]) => (
        <Problem key={name} text={text} />
      ))}
      {shown && (
        <main key={shown.name} data-view={shown.name}>
          <shown.view.Component session={shown.session} />
        </main>
      )}
    </>
  );
}

function Bar({ current }: { readonly current: ViewName | undefined }) {
  return (
    <header class="bar">
      <ViewLink name="digits" class="brand">
        exacta
      </ViewLink>
      <nav aria-label="Views">
        {viewNames.map((name) => (
          <ViewLink key={name} name={name} isCurrent={name === current}>
            {titles[name]}
          </ViewLink>
        ))}
      </nav>
      <Share />
    </header>
  );
}
