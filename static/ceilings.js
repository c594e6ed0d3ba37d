// The launch form's number fields follow the chosen agent: its ceilings become their `max`.
document.addEventListener("change", (event) => {
  const agent = event.target.closest("#id_agent");
  if (!agent) return;
  const ceilings = JSON.parse(agent.dataset.ceilings)[agent.value] ?? {};
  for (const field of agent.form.querySelectorAll("input[data-most]")) {
    field.max = ceilings[field.name] ?? field.dataset.most;
  }
});
