// The overview: commands with this relay's own address, and the way to the copy of the chat page.
for (const place of document.querySelectorAll('.origin')) place.textContent = location.origin;

const { copy } = await (await fetch('/demo.json')).json();
if (copy) {
  const link = document.getElementById('copy-link');
  link.href = `${copy}/chat`;
  link.textContent = copy;
  document.getElementById('copy').hidden = false;
  document.getElementById('no-copy').hidden = true;
}
document.documentElement.dataset.ready = 'true';
