import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Paths are relative, so that the API can serve the built dashboard from any folder; in development `/graphql` goes to an API on its usual port. */
export default defineConfig({
  base: './',
  plugins: [react()],
  build: { outDir: '../../dist/apps/dashboard', emptyOutDir: true },
  server: { proxy: { '/graphql': 'http://127.0.0.1:4000' } },
});
