// The launch form's fields follow the chosen agent: its ceilings become their `max`, and its values what an empty field means.
document.addEventListener("change", (event) => {
  const agent = event.target.closest("#id_agent");
  if (!agent) return;
  const ceilings = JSON.parse(agent.dataset.ceilings)[agent.value] ?? {};
  for (const field of agent.form.querySelectorAll("input[data-most]")) {
    field.max = ceilings[field.name] ?? field.dataset.most;
  }
  for (const [name, words] of Object.entries(JSON.parse(agent.dataset.defaults)[agent.value] ?? {})) {
    const field = agent.form.elements[name];
    if (field?.matches("select")) field.options[0].text = words;
    else if (field) field.placeholder = words;
  }
});
