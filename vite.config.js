import { defineConfig } from 'vite';

// Everything the console needs is bundled here: the browser never asks another host for anything.
export default defineConfig({
  root: 'web/assets',
  base: '/static/dist/',
  publicDir: false,
  build: {
    outDir: '../static/dist',
    emptyOutDir: true,
    manifest: 'manifest.json',
    // The content security policy forbids data: URLs for everything but images.
    assetsInlineLimit: 0,
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rollupOptions: { input: ['web/assets/console.js', 'web/assets/diagram.js'] },
  },
});
