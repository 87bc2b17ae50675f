// The manual of the command line, docs/cli.md, from the declarations of the commands. `npm run docs:cli` writes it.

import { optionText, spelling, STOPPED_STATUS, usage, type Command } from "../host/node/commands/command.ts";
import { networkManual } from "../host/node/commands/import.ts";
import { environmentText, statusTexts } from "../host/node/commands/index.ts";
import { instanceManual } from "../host/node/commands/instances.ts";
import { engineManual } from "../host/node/commands/run.ts";
import { sweepManual } from "../host/node/commands/sweep.ts";

/** Sections that several commands refer to. */
const topics = [
  { title: "Engines", manual: engineManual },
  { title: "Sweeps", manual: sweepManual },
  { title: "Random instances", manual: instanceManual },
  { title: "Networks", manual: networkManual },
];

/** The manual of all commands, as Markdown. */
export function manual(commands: readonly Command[]): string {
  return `# The command line

<!-- Made by \`npm run docs:cli\` from the declarations in host/node/commands. -->

\`exacta <command>\`, or during development \`npm run --silent exacta -- <command>\`. Results go to stdout, everything else to
stderr. Numbers may be written as \`1e6\` or \`1_000_000\`, and lists as \`4,6,8..10\`.

Exit status: ${statusTexts.map(([status, text]) => `${status} ${text}`).join(", ")}.

${environmentText}

| command | |
| --- | --- |
${commands.map(({ name, summary }) => `| [\`${name}\`](#exacta-${name}) | ${summary} |`).join("\n")}

${commands.map(section).join("\n\n")}

${topics.map(({ title, manual }) => `## ${title}\n\n${manual.trim()}`).join("\n\n")}
`;
}

function section(command: Command): string {
  const { name, summary, manual, operands, options, formats, examples, statusOne, statusStopped } = command;
  const rows = [
    ...Object.entries(operands).map(([operand, { summary }]) => [`<${operand}>`, summary]),
    ...Object.entries(options).map(([option, declared]) => [
      spelling(option, declared),
      optionText(declared),
    ]),
  ];
  return [
    `## exacta ${name}`,
    summary,
    block([`exacta ${name} ${usage(command)}`]),
    manual.trim(),
    [
      "| option | meaning |",
      "| --- | --- |",
      ...rows.map(([word, text]) => `| \`${word}\` | ${text} |`),
    ].join("\n"),
    ...(formats ? [`Formats:\n\n${block(formats.trimStart().split(/\n */))}`] : []),
    `${examples.length > 1 ? "Examples" : "Example"}:\n\n${block(examples)}`,
    ...(statusOne ? [`Exit status 1: ${statusOne}.`] : []),
    ...(statusStopped ? [`Exit status ${STOPPED_STATUS}: ${statusStopped}.`] : []),
  ].join("\n\n");
}

/** An indented code block. */
function block(lines: readonly string[]): string {
  return lines.map((line) => `    ${line}`).join("\n");
}
