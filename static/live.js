// Keeps a page up to date with its run, or the dashboard with all runs. It receives steps and states; all actions of
// the user go through htmx.

import { Dashboard } from "./live/dashboard.js";
import { Inbox } from "./live/inbox.js";
import { RunPage } from "./live/run_page.js";

for (const section of document.querySelectorAll("[data-poll]")) new RunPage(section);
for (const section of document.querySelectorAll("[data-live-dashboard]")) new Dashboard(section);
for (const section of document.querySelectorAll("[data-inbox]")) new Inbox(section);
