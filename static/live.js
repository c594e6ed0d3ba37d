// Keeps a page as its run is (or, on the dashboard, as all runs are) while they change. It brings steps and states;
// everything a person does goes through htmx.

import { Dashboard } from "./live/dashboard.js";
import { Inbox } from "./live/inbox.js";
import { RunPage } from "./live/run_page.js";

for (const section of document.querySelectorAll("[data-poll]")) new RunPage(section);
for (const section of document.querySelectorAll("[data-live-dashboard]")) new Dashboard(section);
for (const section of document.querySelectorAll("[data-inbox]")) new Inbox(section);
