// Sorts, searches and renews the table that the server wrote; without it the page is whole.
"use strict";

const RENEW_SECONDS = 15;
const table = document.querySelector("table");
const search = document.querySelector("#search");
const input = search.querySelector("input");
const order = { column: -1, descending: false };

function rows() {
  return [...table.tBodies[0].rows];
}

function key(row, column) {
  const cell = row.cells[column];
  return cell.dataset.sort ?? cell.textContent.trim().toLowerCase();
}

function compare(one, other) {
  if (one === "" || other === "") {
    return (one === "") - (other === "");
  }
  return one.localeCompare(other, undefined, { numeric: true });
}

function sort() {
  [...table.tHead.rows[0].cells].forEach((cell, column) => {
    if (column === order.column) {
      cell.setAttribute("aria-sort", order.descending ? "descending" : "ascending");
    } else {
      cell.removeAttribute("aria-sort");
    }
  });
  if (order.column < 0) {
    return;
  }
  const sorted = rows().sort((one, other) =>
    compare(key(one, order.column), key(other, order.column)));
  if (order.descending) {
    sorted.reverse();
  }
  table.tBodies[0].append(...sorted);
}

function filter() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows()) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    shown += !row.hidden;
  }
  search.querySelector("output").textContent = words.length ? `${shown} found` : "";
}

async function renew() {
  if (document.hidden) {
    return;
  }
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) {
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  table.tBodies[0].replaceWith(page.querySelector("tbody"));
  table.caption.replaceWith(page.querySelector("caption"));
  sort();
  filter();
}

[...table.tHead.rows[0].cells].forEach((cell, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = cell.textContent;
  button.addEventListener("click", () => {
    order.descending = order.column === column && !order.descending;
    order.column = column;
    sort();
  });
  cell.replaceChildren(button);
});
search.hidden = false;
input.addEventListener("input", filter);
setInterval(renew, RENEW_SECONDS * 1000);
