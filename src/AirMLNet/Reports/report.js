document.addEventListener("click", (event) => {
  const head = event.target.closest("table.sortable thead button");
  if (head) {
    const cell = head.parentElement, row = cell.parentElement, body = row.closest("table").tBodies[0];
    const column = [...row.cells].indexOf(cell);
    const value = (r) => r.cells[column].dataset.v === undefined ? r.cells[column].textContent : Number(r.cells[column].dataset.v);
    // Numbers begin with the largest, names with the first.
    const numbers = typeof value(body.rows[0]) === "number";
    const before = cell.getAttribute("aria-sort");
    const descending = before ? before === "ascending" : numbers;
    for (const other of row.cells) other.removeAttribute("aria-sort");
    cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const sign = descending ? -1 : 1;
    const order = (a, b) => typeof a === "number" ? a - b : a.localeCompare(b);
    body.append(...[...body.rows].sort((a, b) => sign * order(value(a), value(b))));
    return;
  }
  const picture = event.target.closest("button.pic");
  const dialog = document.getElementById("large");
  if (picture) {
    const small = picture.querySelector("img");
    dialog.querySelector("img").src = small.src;
    dialog.querySelector("img").alt = small.alt;
    dialog.querySelector("p").textContent = small.alt;
    dialog.showModal();
  } else if (event.target.closest("dialog")) {
    dialog.close();
  }
});
