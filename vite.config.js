import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

// dmn-js writes elements with inline styles; see parts/min-dom.js.
const withoutInlineStyles = {
  name: 'without-inline-styles',
  enforce: 'pre',
  resolveId(source, importer) {
    if (source !== 'min-dom' || !importer?.includes('/dmn-js-shared/')) return null;
    return fileURLToPath(new URL('web/assets/parts/min-dom.js', import.meta.url));
  },
};

// Everything the console needs is bundled here: the browser never asks another host for anything.
export default defineConfig({
  root: 'web/assets',
  base: '/static/dist/',
  publicDir: false,
  plugins: [withoutInlineStyles],
  build: {
    outDir: '../static/dist',
    emptyOutDir: true,
    manifest: 'manifest.json',
    // The content security policy forbids data: URLs for everything but images.
    assetsInlineLimit: 0,
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rollupOptions: { input: ['web/assets/console.js', 'web/assets/diagram.js', 'web/assets/decision.js', 'web/assets/tasks.js'] },
  },
});
