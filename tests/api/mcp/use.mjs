// Uses a site's MCP server with the npm clients, and prints what it heard.
// Standard input: {"url", "token", "era": "sdk" | "legacy" | "2026-07-28"}
// Standard output: {"tools", "run", "steps"}
import { Client as NewClient, StreamableHTTPClientTransport as NewTransport } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

let input = "";
for await (const chunk of process.stdin) input += chunk;
const { url, token, era } = JSON.parse(input);
const options = { requestInit: { headers: { Authorization: `Bearer ${token}` } } };
const me = { name: "test", version: "1" };
const mode = era === "legacy" ? "legacy" : { pin: era };
const client = era === "sdk" ? new Client(me) : new NewClient(me, { versionNegotiation: { mode } });
const Transport = era === "sdk" ? StreamableHTTPClientTransport : NewTransport;
await client.connect(new Transport(new URL(`${url}/mcp`), options));
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const steps = [];
const asked = { name: "launch_run", arguments: { task: "What is 17 * 23?", wait_s: 20 } };
const told = { onprogress: (progress) => steps.push(progress.message) };
const result = era === "sdk" ? await client.callTool(asked, undefined, told) : await client.callTool(asked, told);
await client.close();
console.log(JSON.stringify({ tools, run: result.structuredContent, steps }));
