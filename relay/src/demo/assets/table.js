// The table of the last messages: a row a message, a column a transport.
import { inTime } from './meter.js';

const ROWS = 8;

export class Table {
  #body;
  #ids;
  #rows = new Map();

  constructor(body, heads, transports) {
    this.#body = body;
    this.#ids = transports.map(({ id }) => id);
    for (const { id, name, short } of transports) {
      const head = document.createElement('th');
      head.scope = 'col';
      head.dataset.transport = id;
      head.innerHTML = '<span class="long"></span><span class="short" aria-hidden="true"></span>';
      [head.firstChild.textContent, head.lastChild.textContent] = [name, short];
      heads.append(head);
    }
  }

  // Makes the row of a message that is published now.
  published(number) {
    const row = document.createElement('tr');
    const head = document.createElement('th');
    head.scope = 'row';
    head.textContent = number;
    row.append(head, ...this.#ids.map((id) => {
      const cell = document.createElement('td');
      cell.dataset.transport = id;
      cell.className = 'under-way';
      cell.textContent = '…';
      return cell;
    }));
    this.#rows.set(number, row);
    this.#body.prepend(row);
    while (this.#body.childElementCount > ROWS) {
      this.#rows.delete(Number(this.#body.lastElementChild.firstElementChild.textContent));
      this.#body.lastElementChild.remove();
    }
  }

  received(number, id, delay) {
    const cell = this.#rows.get(number)?.querySelector(`td[data-transport="${id}"]`);
    if (!cell) return;
    cell.className = 'came';
    cell.textContent = inTime(delay);
  }

  clear() {
    this.#rows.clear();
    this.#body.replaceChildren();
  }
}
