// Light, dark, or as the system says. A cookie, so that the server can send the right page at once.
export function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  const next = dark ? 'light' : 'dark';
  root.dataset.theme = next;
  // Over https no neighbouring name of the site may set it, nor anybody on the way.
  const [prefix, secure] = location.protocol === 'https:' ? ['__Host-', '; secure'] : ['', ''];
  document.cookie = `${prefix}theme=${next}; path=/; max-age=31536000; samesite=lax${secure}`;
}
