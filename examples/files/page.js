const rows = [...document.querySelectorAll("table tr")].slice(1);

function sortBy(column, descending = true) {
  const value = (row) => Number(row.cells[column].textContent) || row.cells[column].textContent;
  rows.sort((a, b) => (value(a) < value(b) ? 1 : -1) * (descending ? 1 : -1));
  rows.forEach((row) => row.parentNode.append(row));
}

document.querySelectorAll("th").forEach((cell, column) => {
  cell.addEventListener("click", () => sortBy(column));
});
