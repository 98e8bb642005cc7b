// Sorting: a heading's button sorts the rows of each body of its table, numbers first where there are any.
document.querySelectorAll("table.sortable").forEach((table) => {
  const headings = [...table.tHead.rows[0].cells];
  const key = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.value ?? cell.textContent.trim();
    return { text, number: text === "" ? NaN : Number(text) };
  };
  const compare = (a, b) => {
    if (Number.isNaN(a.number) || Number.isNaN(b.number)) {
      return Number.isNaN(a.number) - Number.isNaN(b.number) || a.text.localeCompare(b.text);
    }
    return a.number - b.number;
  };
  headings.forEach((heading, column) => {
    heading.querySelector("button")?.addEventListener("click", () => {
      const descending = heading.getAttribute("aria-sort") === "ascending";
      headings.filter((other) => other.hasAttribute("aria-sort")).forEach((other) => other.setAttribute("aria-sort", "none"));
      heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
      for (const body of table.tBodies) {
        const rows = [...body.rows].map((row) => ({ row, key: key(row, column) }));
        // What has no value stays last, whichever way.
        const empty = ({ key: k }) => k.text === "nan" || k.text === "–" || k.text === "";
        rows.sort((a, b) => empty(a) - empty(b) || (descending ? compare(b.key, a.key) : compare(a.key, b.key)));
        body.append(...rows.map(({ row }) => row));
      }
    });
  });
});

// On paper nothing can be unfolded.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
