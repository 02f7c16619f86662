/** Dragging a card into another column calls `move(card, status)`. One set of listeners for the whole board. */
export function moveByDrag(columns, move) {
  let card = null;
  const columnOf = (event) => event.target.closest?.("board-column");
  const mark = (column) => {
    for (const other of columns.children)
      other.classList.toggle("over", other === column && column.dataset.status !== card?.row.status);
  };

  columns.addEventListener("dragstart", (event) => {
    card = event.target.closest?.("board-card");
    if (!card) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", card.row.short);
    card.classList.add("dragged");
  });
  columns.addEventListener("dragover", (event) => {
    if (!card || !columnOf(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    mark(columnOf(event));
  });
  columns.addEventListener("drop", (event) => {
    const column = columnOf(event);
    if (!card || !column) return;
    event.preventDefault();
    move(card, column.dataset.status);
  });
  columns.addEventListener("dragend", () => {
    card?.classList.remove("dragged");
    card = null;
    mark(null);
  });
}
