// The page of one call: changes in its form, also those kept from before, are named on its buttons.

import { nameChanges } from "./argument_changes.js";

const form = document.querySelector(".argument-form");
if (form) {
  form.addEventListener("input", () => nameChanges(form));
  if (nameChanges(form)) form.closest("details").open = true;
}
