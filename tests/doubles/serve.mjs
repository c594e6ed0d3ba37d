// A double of all providers on a free port; its address is the one line printed. Ends with its standard input.
import { LLMock } from "@copilotkit/aimock";

const mock = new LLMock({ port: 0, strict: true, logLevel: "silent" });
await mock.start();
console.log(mock.url);
process.stdin.resume().on("end", () => process.exit(0));
