// A plain month: what a screen shows after the quick exit. It knows nothing of the app.
(() => {
  const now = new Date();
  const language = navigator.language;
  const first = new Date(now.getFullYear(), now.getMonth(), 1);
  const days = new Date(now.getFullYear(), now.getMonth() + 1, 0).getDate();
  const row = (tag, texts, mark) => {
    const tr = document.createElement('tr');
    for (const text of texts) {
      const cell = document.createElement(tag);
      cell.textContent = text;
      if (text !== '' && text === mark) cell.className = 'today';
      tr.append(cell);
    }
    return tr;
  };
  document.documentElement.lang = language;
  document.getElementById('month').textContent = new Intl.DateTimeFormat(language, { month: 'long', year: 'numeric' }).format(now);
  const weekday = new Intl.DateTimeFormat(language, { weekday: 'short' });
  document.getElementById('days').append(row('th', [...Array(7).keys()].map((i) => weekday.format(new Date(2024, 0, 1 + i)))));
  const cells = [...Array((first.getDay() + 6) % 7).fill(''), ...[...Array(days).keys()].map((i) => String(i + 1))];
  for (let i = 0; i < cells.length; i += 7) {
    document.getElementById('weeks').append(row('td', [...cells.slice(i, i + 7), ...Array(7).fill('')].slice(0, 7), String(now.getDate())));
  }
})();
