// Runs the real AG-UI client against a site and prints what it has rebuilt.
// Standard input: {"url", "token", "threadId", "messages"?, "asks": [{"runId", "say"?, "resume"?, "leaveAfter"?, "forwardedProps"?}]}
// Standard output: one JSON line per ask: {"messages", "state", "events", "outcome", "error"}; with `leaveAfter` an event
// type, the client leaves when it comes for the first time.
import { HttpAgent } from "@ag-ui/client";

let input = "";
for await (const chunk of process.stdin) input += chunk;
const job = JSON.parse(input);
console.error = console.warn = (...words) => process.stderr.write(`${words.join(" ")}\n`);

const agent = new HttpAgent({
  url: `${job.url}/api/v1/agui`,
  headers: { Authorization: `Bearer ${job.token}` },
  threadId: job.threadId,
  initialMessages: job.messages ?? [],
});
let pending = [];
for (const ask of job.asks) {
  if (ask.say !== undefined) agent.messages.push({ id: `user-${ask.runId}`, role: "user", content: ask.say });
  const events = [];
  const result = { events, outcome: null, error: null };
  try {
    await agent.runAgent(
      {
        runId: ask.runId,
        forwardedProps: ask.forwardedProps,
        ...(ask.resume && { resume: pending.map((each) => ({ interruptId: each.id, ...ask.resume })) }),
      },
      {
        onEvent: ({ event }) => {
          events.push(event);
          if (event.type === ask.leaveAfter) agent.abortRun();
        },
        onRunErrorEvent: ({ event }) => void (result.error = event),
        onRunFinishedEvent: ({ event }) => {
          result.outcome = event.outcome;
          pending = event.outcome?.interrupts ?? [];
        },
      },
    );
  } catch (error) {
    result.error = { message: error.message, status: error.status, payload: error.payload };
  }
  process.stdout.write(`${JSON.stringify({ ...result, messages: agent.messages, state: agent.state })}\n`);
}

// A connection that is kept for later would keep the process, too.
process.exit(0);
